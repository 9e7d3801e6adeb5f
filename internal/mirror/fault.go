package mirror

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"ab2d/internal/bfd"
)

// errShort says that the server gave fewer claims than it says there are.
var errShort = errors.New("the server gave fewer claims than it says there are")

// maxPersonPause is the longest pause before a person is tried again.
const maxPersonPause = 12 * time.Hour

// ofServer tells whether a failure says something about the upstream server, or about
// this process, rather than about one person. Other people would fail too.
func (p *person) ofServer() bool {
	var e *bfd.Error
	return p.err != nil && (errors.Is(p.err, bfd.ErrOpen) || errors.Is(p.err, context.Canceled) || errors.As(p.err, &e) && e.Kind == bfd.Denied)
}

// isUpstream tells whether an error comes from the upstream server.
func isUpstream(err error) bool {
	return errors.As(err, new(*bfd.Error)) || errors.Is(err, bfd.ErrOpen) || errors.Is(err, bfd.ErrEmpty) || errors.Is(err, bfd.ErrLoop)
}

// faultOf names a failure for the operator, in few words and without identifiers, so
// that failures of one kind can be counted.
func faultOf(err error) string {
	var e *bfd.Error
	switch {
	case errors.As(err, &e):
		return e.Kind.String()
	case errors.Is(err, bfd.ErrOpen):
		return "server left alone"
	case errors.Is(err, bfd.ErrEmpty):
		return "empty answer where claims are known"
	case errors.Is(err, bfd.ErrLoop), errors.Is(err, bfd.ErrPages), errors.Is(err, bfd.ErrLink):
		return "bad link to the next page"
	case errors.Is(err, errShort):
		return "fewer claims than the server counts"
	case errors.Is(err, errOtherYear):
		return "enrollment of another year"
	case errors.Is(err, errTooMany):
		return "too many claims"
	}
	return "other"
}

// pause is the time before another try after some failures: doubled with each, and
// changed by up to a quarter at random, so that not all come back at once.
func (m *Mirror) pause(failures int, longest time.Duration) time.Duration {
	d := m.Retry << min(failures, 20)
	if d <= 0 || d > longest {
		d = min(longest, max(m.Retry, longest))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
