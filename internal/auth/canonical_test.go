package auth

import (
	"net/http"
	"strings"
	"testing"
)

// TestATokenIsWrittenInOneWay: the same signature with other unused bits, with
// padding or with a line break is another token, and is not accepted.
func TestATokenIsWrittenInOneWay(t *testing.T) {
	w := newWorld(t)
	resp, body := tutorial().do(t, w.url+TokenPath)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	_, token, _ := strings.Cut(body, `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	if _, _, err := w.checker.Check(t.Context(), "Bearer "+token); err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	others := []string{token + "=", token + "==", token[:len(token)-3] + "\n" + token[len(token)-3:], strings.Replace(token, ".", ".\r\n", 1)}
	for i := 1; i < 16; i++ { // of its six bits the lower four are unused
		others = append(others, token[:len(token)-1]+string(alphabet[last^i]))
	}
	for _, other := range others {
		if _, _, err := w.checker.Check(t.Context(), "Bearer "+other); err == nil {
			t.Errorf("accepted, too: …%q", other[len(other)-6:])
		}
	}
}
