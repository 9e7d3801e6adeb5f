package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// claimLine returns a line of about 5 KB that looks like a claim: the same keys
// and systems again and again, with codes, dates and amounts between them.
func claimLine(r *rand.Rand, id string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"resourceType":"ExplanationOfBenefit","id":"%s","meta":{"lastUpdated":"2023-%02d-%02dT%02d:%02d:%02d.000+00:00"},"status":"active","patient":{"reference":"Patient/-%d"},"item":[`,
		id, 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.Int64N(1e14))
	for n := range 8 {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sequence":%d,"careTeamSequence":[1,%d],"productOrService":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","version":"0","code":"%05d"}]},"modifier":[{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","code":"%02d"}]}],"servicedPeriod":{"start":"2022-%02d-%02d","end":"2022-%02d-%02d"},"locationCodeableConcept":{"coding":[{"system":"https://bluebutton.cms.gov/resources/variables/line_place_of_srvc_cd","code":"%02d","display":"Place of service %d"}]},"quantity":{"value":%d},"adjudication":[{"amount":{"value":%d.%02d,"currency":"USD"}}]}`,
			n+1, 2+r.IntN(4), r.IntN(99999), r.IntN(99), 1+r.IntN(12), 1+r.IntN(28), 1+r.IntN(12), 1+r.IntN(28), r.IntN(99), r.IntN(99), r.IntN(9), r.IntN(5000), r.IntN(100))
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

// enrollee is what goes into a segment.
type enrollee struct {
	lines   [][]byte
	entries []Entry
}

func (e *enrollee) plain() []byte { return bytes.Join(e.lines, nil) }

// newEnrollee makes about 100 KB of claims, always the same for a seed.
func newEnrollee(seed uint64) *enrollee {
	r := rand.New(rand.NewPCG(seed, 1))
	e := new(enrollee)
	number := r.Int64N(1e11)
	day, updated := int32(18262+r.IntN(300)), int64(1_600_000_000_000)+r.Int64N(1e10)
	for range 20 {
		number += r.Int64N(1e6)
		day += int32(r.IntN(60))
		updated += r.Int64N(1e10)
		id := "carrier--" + strconv.FormatInt(number, 10)
		line := claimLine(r, id)
		e.lines = append(e.lines, line)
		e.entries = append(e.entries, Entry{
			ID: id, Type: 1, Start: day, End: day + int32(r.IntN(5)), HasStart: true, HasEnd: true,
			LastUpdated: updated, ExtensionAt: 45, HasExtension: true,
		})
	}
	return e
}

func newBuilder(t testing.TB, level int) *Builder {
	t.Helper()
	b, err := NewBuilder(level)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fataler is what a *testing.T and a *rapid.T have in common here.
type fataler interface{ Fatal(...any) }

func (e *enrollee) build(t fataler, b *Builder) (Segment, Index) {
	for i, line := range e.lines {
		if err := b.Add(line, e.entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	s, x, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return s, x
}

// anyLine draws a line: short, repetitive or incompressible.
var anyLine = rapid.Custom(func(t *rapid.T) []byte {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
	line := make([]byte, rapid.IntRange(0, 3000).Draw(t, "length"))
	alphabet := rapid.SampledFrom([]int{1, 4, 256}).Draw(t, "alphabet")
	for i := range line {
		line[i] = byte(r.IntN(alphabet))
	}
	return append(line, '\n')
})
