package audit

import "context"

// Facts are what is known of a request. They are filled in while it is on its
// way, by one goroutine.
type Facts struct {
	Request  string // its id
	From     string // the address that it came from
	Actor    string
	Contract string
	Client   string
}

type factsKey struct{}

// With gives a context whose entries say f, as f then is.
func With(ctx context.Context, f *Facts) context.Context {
	return context.WithValue(ctx, factsKey{}, f)
}

// FactsOf gives the context's facts. Without any it gives new ones, which
// nobody reads.
func FactsOf(ctx context.Context) *Facts {
	if f, ok := ctx.Value(factsKey{}).(*Facts); ok {
		return f
	}
	return new(Facts)
}

// SetClient notes the client that asks.
func (f *Facts) SetClient(id, contract string) {
	f.Actor, f.Client, f.Contract = "client "+id, id, contract
}

// Complete fills in what the entry does not say itself.
func (f *Facts) Complete(e Entry) Entry {
	for _, field := range []struct {
		to   *string
		from string
	}{{&e.Request, f.Request}, {&e.From, f.From}, {&e.Actor, f.Actor}, {&e.Contract, f.Contract}, {&e.Client, f.Client}} {
		if *field.to == "" {
			*field.to = field.from
		}
	}
	return e
}
