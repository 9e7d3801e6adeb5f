package eob

import (
	"bytes"
	"flag"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"ab2d/internal/fhir"
)

// samples are the claims that properties are tried on: the hand-made one of a
// version, and the sample claims where they are.
func samples(t *testing.T, v fhir.Version) [][]byte {
	all := [][]byte{readMade(t, v)}
	t.Run("with samples", func(t *testing.T) { all = append(all, everyReal(t, v)...) })
	return all
}

// gap is a place within an object at which a field can be put in.
type gap struct {
	at    int
	empty bool // the object has no fields
}

// gaps finds the beginning of every object of a claim.
func gaps(t *rapid.T, claim []byte) (all []gap) {
	d := jsontext.NewDecoder(bytes.NewReader(claim))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return all
		}
		if token.Kind() == '{' {
			all = append(all, gap{int(d.InputOffset()), d.PeekKind() == '}'})
		}
	}
}

// extensionOf is an extension with an amount, as a version has them.
var extensionOf = map[fhir.Version]string{fhir.V1: variables + "prpayamt", fhir.V2: variables + "prpayamt", fhir.V3: definition + "CLM-PAID-AMT"}

// TestInventedFieldsVanish puts a field that nobody has thought of anywhere in
// a claim; nothing of it comes out, and nothing else changes.
func TestInventedFieldsVanish(t *testing.T) {
	for _, v := range versions {
		claims := samples(t, v)
		m, again := New(v), New(v)
		rapid.Check(t, func(t *rapid.T) {
			claim := claims[rapid.IntRange(0, len(claims)-1).Draw(t, "claim")]
			want, err := m.Minimize(claim)
			if err != nil {
				t.Fatal(err)
			}
			g := rapid.SampledFrom(gaps(t, claim)).Draw(t, "place")
			field := rapid.SampledFrom([]string{`"paid"`, `"_id"`, `"Status"`, `"x y"`, `"netPayment"`, `"co\u0064ed"`, `"valueAge"`}).Draw(t, "name") + ":" +
				rapid.SampledFrom([]string{`1.5`, `"x"`, `null`, `[]`, `{"id":"y","system":"z","code":"F10"}`, `[{"coding":[{"code":"F10"}]}]`,
					`[{"url":"` + extensionOf[v] + `","valueMoney":{"value":1}}]`}).Draw(t, "value")
			if !g.empty {
				field += " ,"
			}
			with := append(append(bytes.Clone(claim[:g.at]), field...), claim[g.at:]...)
			got, err := again.Minimize(with)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.JSON, want.JSON) || got.Claim != want.Claim {
				t.Fatalf("%s at byte %d changes the claim to\n%s", field, g.at, got.JSON)
			}
		})
	}
}

// TestDamagedClaims cuts, copies and overwrites pieces of claims, and holds
// the minimizer to the reference on what comes of it.
func TestDamagedClaims(t *testing.T) {
	for _, v := range versions {
		claims := samples(t, v)
		m := New(v)
		rapid.Check(t, func(r *rapid.T) {
			raw := bytes.Clone(claims[rapid.IntRange(0, len(claims)-1).Draw(r, "claim")])
			for range rapid.IntRange(1, 3).Draw(r, "wounds") {
				from := rapid.IntRange(0, len(raw)-1).Draw(r, "from")
				to := min(len(raw), from+rapid.IntRange(0, 40).Draw(r, "length"))
				with := rapid.SampledFrom([]string{"", "{", "}", "[", "]", `"`, ",", ":", "\\", "\n", "\xff", "null", "1", `"url":`, `{"url":"x"},`, string(raw[from:to]) + string(raw[from:to])}).Draw(r, "with")
				raw = append(append(bytes.Clone(raw[:from]), with...), raw[to:]...)
				if len(raw) == 0 {
					break
				}
			}
			compare(t, v, m, raw)
		})
	}
}

// hasten bounds the shortening of an input that reaches new code. By default the
// fuzzing engine may shorten each for a minute, and tries to take out every range
// of its bytes, so that on inputs of some KB it does nothing else.
func hasten(f *testing.F) {
	f.Helper()
	limit := flag.Lookup("test.fuzzminimizetime")
	if limit == nil || limit.Value.String() != limit.DefValue {
		return
	}
	if err := flag.Set(limit.Name, "500x"); err != nil {
		f.Fatal(err)
	}
}

// pieces are short claims, each with one field of the hand-made one. Long ones
// would make fuzzing slow, and are changed where it does not matter.
func pieces(f *testing.F, v fhir.Version) (all [][]byte) {
	f.Helper()
	value, err := parse(readMade(f, v))
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range value.([]member) {
		piece := smallV3(map[string]string{m.name: written(m.value)})
		if v != fhir.V3 {
			piece = small("")
			piece = append(piece[:len(piece)-1], m.raw+":"+written(m.value)+"}"...)
		}
		all = append(all, piece)
	}
	return all
}

// FuzzMinimize holds the minimizer to the reference on any bytes.
func FuzzMinimize(f *testing.F) {
	hasten(f)
	for _, v := range versions {
		for _, piece := range pieces(f, v) {
			f.Add(piece)
		}
	}
	for _, s := range []string{
		`{"resourceType":"ExplanationOfBenefit","id":"a-1","patient":{"reference":"Patient/-1"},"extension":[{"valueMoney":{"value":1.10},"url":"https:\/\/bluebutton.cms.gov/resources/variables/prpayamt"}]}`,
		`{"resourceType":"ExplanationOfBenefit","id":"a-1","patient":{"reference":"Patient/1"},"supportingInfo":[{"code":{"coding":[{"system":"https://bluebutton.cms.gov/resources/variables/clm_drg_cd","code":"897"}]}}]}`,
		`{"meta":{"tag":[{"code":"42CFRPart2"}],"lastUpdated":"2024-01-01T00:00:00Z"}}`,
		`{"resourceType":"ExplanationOfBenefit","id":"a-1","patient":{"reference":"Patient/1"},"item":[{"quantity":{"value":1e999}}]}`,
		`{"a":"\ud83d\ude00","\u0061":1}`, "[\"\xed\xa0\x80\"]", `[1e5,-0.0,01]`, `[[[[]]]]`, ` { } x`,
	} {
		f.Add([]byte(s))
	}
	minimizers := map[fhir.Version]*Minimizer{fhir.V1: New(fhir.V1), fhir.V2: New(fhir.V2), fhir.V3: New(fhir.V3)}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for v, m := range minimizers {
			compare(t, v, m, raw)
		}
	})
}

// FuzzDetect wants an answer or an error for any bytes.
func FuzzDetect(f *testing.F) {
	hasten(f)
	for _, v := range versions {
		for _, piece := range pieces(f, v) {
			f.Add(piece)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if v, err := Detect(raw); (v >= fhir.V1 && v <= fhir.V3) == (err != nil) {
			t.Errorf("detected %v with error %v", v, err)
		}
	})
}
