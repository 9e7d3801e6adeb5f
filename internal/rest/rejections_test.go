package rest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/obs"
)

// entries keeps what is recorded.
type entries []audit.Entry

func (e *entries) Record(_ context.Context, entry audit.Entry) error {
	*e = append(*e, entry)
	return nil
}

// TestRejections_ByNetwork: a flood from one network does not hide a rejected
// request from another, nor those of a client; and what was left out is counted.
func TestRejections_ByNetwork(t *testing.T) {
	var log entries
	f := newRejectionLimiter(&log)
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	from := func(address, actor string) context.Context {
		ctx := audit.With(t.Context(), &audit.Facts{Actor: actor})
		return obs.WithCaller(ctx, netip.MustParseAddr(address))
	}
	record := func(ctx context.Context) {
		t.Helper()
		if err := f.record(ctx, audit.Entry{Event: audit.Refused}, now); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 300 { // of one network, by many addresses
		record(from(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String(), ""))
	}
	if len(log) != 100 {
		t.Errorf("%d entries of a flood, want 100", len(log))
	}
	for name, ctx := range map[string]context.Context{
		"another network": from("198.51.100.7", ""), "IPv6": from("2001:db8::1", ""), "a client of the same network": from("192.0.2.9", "client c"),
	} {
		before := len(log)
		if record(ctx); len(log) != before+1 {
			t.Errorf("%s: not recorded", name)
		}
	}
	for i := range 200 { // of one /64
		record(from(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 9, 15: byte(i)}).String(), ""))
	}
	if got := len(log); got != 203 {
		t.Errorf("%d entries, want 203", got)
	}
	now = now.Add(time.Minute)
	record(from("192.0.2.1", ""))
	if last := log[len(log)-1]; last.Omitted != 200 {
		t.Errorf("%d omitted, want 200", last.Omitted)
	}
}
