package obs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestHideSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://ab2d:hush@db/ab2d":                 "postgres://ab2d:xxxxx@db/ab2d",
		"postgres://ab2d:hu%zzsh@db/ab2d":              "postgres://ab2d:xxxxx@db/ab2d",
		"postgres://ab2d:hu#sh@db/ab2d":                "postgres://ab2d:xxxxx@db/ab2d",
		"postgres://ab2d:hu/s?h@hush@db/ab2d":          "postgres://ab2d:xxxxx@db/ab2d",
		"postgres://ab2d@db/ab2d?password=hush&x=1":    "postgres://ab2d@db/ab2d?password=xxxxx&x=1",
		"postgres://db/ab2d?x=1&sslpassword=hush":      "postgres://db/ab2d?x=1&sslpassword=xxxxx",
		"s3://b/p?secret_access_key=hush#y":            "s3://b/p?secret_access_key=xxxxx#y",
		"https://h/x?X-Amz-Signature=hush":             "https://h/x?X-Amz-Signature=xxxxx",
		"https://h/x?ACCESS_TOKEN=hush":                "https://h/x?ACCESS_TOKEN=xxxxx",
		"https://h/x#token=hush":                       "https://h/x#token=xxxxx",
		"sqlite:/data/ab2d.db":                         "sqlite:/data/ab2d.db",
		"postgres://ab2d@db:5432/ab2d?sslmode=disable": "postgres://ab2d@db:5432/ab2d?sslmode=disable",
		"ab2d:hush@db":                                 "ab2d:xxxxx@db",
	} {
		if got := HideSecrets(address); got != want || strings.Contains(got, "hush") {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// nasty has characters that act on terminals: escape, bell, C1, bidi, a carriage
// return and a line separator.
const nasty = "a\x1b[2Jb\x07c\u009bd\u202ee\u2066f\rg\u2028h\u200fi\U000e0001j"

func TestNothingActsOnATerminal(t *testing.T) {
	acts := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
	}
	if got := Lines("x\n" + nasty + "\ty"); acts(got) || !strings.HasPrefix(got, "x\na[2Jb") || !strings.HasSuffix(got, "j y") {
		t.Errorf("%q", got)
	}
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := NewLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("m"+nasty, "file", nasty)
		if acts(out.String()) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %q", format, out.String())
		}
		var line struct{ File string }
		if format == "json" && (json.Unmarshal(out.Bytes(), &line) != nil || line.File != nasty) {
			t.Errorf("json: it reads %q", line.File)
		}
	}
}
