package eob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ab2d/internal/fhir"
)

// nested wraps a value in n arrays.
func nested(n int, value string) string {
	return strings.Repeat("[", n) + value + strings.Repeat("]", n)
}

// fields makes n fields.
func fields(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"f`+strconv.Itoa(i)+`":0`)
	}
	return strings.Join(all, ",")
}

// TestHostile feeds what breaks other readers of JSON. Everything is refused
// in dropped fields, too.
func TestHostile(t *testing.T) {
	valid := string(small(`"status":"active"`))
	for _, c := range []struct{ name, raw, want string }{
		{"nothing", ``, "the claim ends too early"},
		{"only whitespace", " \n", "the claim ends too early"},
		{"byte order mark", "\ufeff" + valid, "not a JSON value"},
		{"truncated", valid[:len(valid)-1], "the claim ends too early"},
		{"truncated in a string", valid[:len(valid)-3], "the claim ends too early"},
		{"truncated in a literal", `{"a":tru`, "not a JSON value"},
		{"truncated in a number", `{"a":-`, "the claim ends too early"},
		{"truncated after a key", `{"a"`, "the claim ends too early"},
		{"second claim", valid + valid, "there is more text after the claim"},
		{"trailing text", valid + " x", "there is more text after the claim"},
		{"trailing NUL", valid + "\x00", "there is more text after the claim"},
		{"duplicate key", string(small(`"id":"b"`)), "an object has two fields of the same name"},
		{"duplicate key in other words", string(small(`"\u0069d":"b"`)), "an object has two fields of the same name"},
		{"duplicate key in a dropped field", string(small(`"x":{"a":[{"b":1,"b":2}]}`)), "an object has two fields of the same name"},
		{"bad UTF-8", string(small("\"x\":\"a\xffb\"")), "bad UTF-8"},
		{"overlong UTF-8", string(small("\"x\":\"\xc0\xaf\"")), "bad UTF-8"},
		{"surrogate as UTF-8", string(small("\"x\":\"\xed\xa0\x80\"")), "bad UTF-8"},
		{"bad UTF-8 in a key", string(small("\"x\xff\":1")), "bad UTF-8"},
		{"lone high surrogate", string(small(`"x":"\ud800"`)), "a bad escape in a string"},
		{"lone low surrogate", string(small(`"x":"\udc00"`)), "a bad escape in a string"},
		{"high surrogate and no low one", string(small(`"x":"\ud800\u0041"`)), "a bad escape in a string"},
		{"unknown escape", string(small(`"x":"\x41"`)), "a bad escape in a string"},
		{"short escape", string(small(`"x":"\u00"`)), "a bad escape in a string"},
		{"raw newline in a string", string(small("\"status\":\"a\nb\"")), "a control character in a string"},
		{"raw NUL in a string", string(small("\"x\":\"a\x00b\"")), "a control character in a string"},
		{"bad token in a dropped field", string(small(`"x":[1,nul]`)), "not a JSON value"},
		{"NaN", string(small(`"x":NaN`)), "not a JSON value"},
		{"leading zero", string(small(`"x":01`)), "not a JSON value"},
		{"plus", string(small(`"x":+1`)), "not a JSON value"},
		{"no digits after the point", string(small(`"x":1.`)), "not a JSON value"},
		{"no digits in the exponent", string(small(`"x":1e+`)), "not a JSON value"},
		{"hexadecimal", string(small(`"x":0x10`)), "neither a comma nor the end"},
		{"trailing comma in an array", string(small(`"x":[1,]`)), "not a JSON value"},
		{"trailing comma in an object", string(small(`"x":{"a":1,}`)), "a field's name must stand here"},
		{"no comma", string(small(`"x":[1 2]`)), "neither a comma nor the end"},
		{"no colon", string(small(`"x" 1`)), "a colon must stand here"},
		{"wrong bracket", string(small(`"x":[1}`)), "neither a comma nor the end"},
		{"single quotes", `{'a':1}`, "a field's name must stand here"},
		{"comment", `/* */{}`, "not a JSON value"},
		{"vertical tab", "\v{}", "not a JSON value"},
		{"extension that breaks off before its url", string(small(`"extension":[{"valueCoding":{"code":}}]`)), "not a JSON value"},
		{"extension whose url breaks off", `{"extension":[{"url":"x`, "the claim ends too early"},
		{"20,000 deep in a dropped field", string(small(`"x":` + nested(20_000, "1"))), "nested too deeply"},
		{"one too deep", string(small(`"x":` + nested(MaxDepth, "1"))), "nested too deeply"},
		{"too many fields", string(small(`"x":{` + fields(MaxFields+1) + `}`)), "an object with too many fields"},
		{"too large", valid + strings.Repeat(" ", MaxSize), "larger than 16777216 bytes"},
	} {
		for _, v := range versions {
			_, err := New(v).Minimize([]byte(c.raw))
			var e *Error
			if !errors.As(err, &e) || e.Reason != c.want || e.Offset > len(c.raw) {
				t.Errorf("%s: %s: %v, want %q", v, c.name, err, c.want)
			}
		}
	}
}

func TestWithinTheLimits(t *testing.T) {
	for name, field := range map[string]string{
		"deep":                          `"x":` + nested(MaxDepth-1, "1"),
		"many fields":                   `"x":{` + fields(MaxFields) + `}`,
		"a string that looks like JSON": `"x":"{\"id\":\"[\\"`,
		"numbers":                       `"x":[0,-0,0.0,1e5,1E-5,1.25e+10]`,
		"surrogate pair":                `"x":"\ud83d\ude00😀` + "\u2028\x7f" + `"`,
		"null":                          `"x":[null,true,false,{},[]]`,
	} {
		if got := only(t, fhir.V1, field); got != "" {
			t.Errorf("%s: stays %s", name, got)
		}
	}
}

func TestErrorSaysWhereAndQuotesNothing(t *testing.T) {
	raw := small(`"identifier":[{"value":"1S00E00AA00","value":"1S00E00AA00"}]`)
	_, err := New(fhir.V1).Minimize(raw)
	want := "claim rejected at byte " + strconv.Itoa(bytes.LastIndex(raw, []byte(`"value"`))) + ": an object has two fields of the same name"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestAfterAFault: one bad claim must leave nothing behind for the next.
func TestAfterAFault(t *testing.T) {
	for _, v := range versions {
		m := New(v)
		for _, bad := range []string{`{"a":[{"b":[`, `{"extension":[{"x":1,"url":`, `{"id":"x","status":"cancelled","meta":{"tag":[{"code":"42CFRPart2"}]}}`} {
			if _, err := m.Minimize([]byte(bad)); err == nil {
				t.Fatalf("%s is accepted", bad)
			}
			compare(t, v, m, readMade(t, v))
		}
	}
}

// TestSpecial: the lowest mark is that of the first byte that is not plain.
func TestSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("!\"#[\\]\x1f \x7f\x80\x00a"))), 8, 8).Draw(t, "bytes")
		want := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x80 })
		got := bits.TrailingZeros64(special(binary.LittleEndian.Uint64(b))) / 8
		if want < 0 {
			want = 8
		}
		if got != want {
			t.Fatalf("in %q the first is %d, want %d", b, got, want)
		}
	})
}
