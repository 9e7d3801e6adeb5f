package obs

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve answers one request by h, below Handler.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	failed := func(w http.ResponseWriter, r *http.Request) { http.Error(w, "failed "+RequestID(r.Context()), 500) }
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/a/path?secret=query", nil)
	r.Header.Set("Authorization", "Bearer secret-token")
	Handler(slog.New(slog.NewTextHandler(&log, nil)), NewMetrics(), h, failed).ServeHTTP(w, r)
	return w, log.String()
}

func TestARequestIsLogged(t *testing.T) {
	for what, h := range map[string]http.HandlerFunc{
		"Write": func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write([]byte("hello")); err != nil {
				t.Error(err)
			}
		},
		"WriteHeader": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			if _, err := io.WriteString(w, "hello"); err != nil {
				t.Error(err)
			}
		},
		"ReadFrom": func(w http.ResponseWriter, _ *http.Request) {
			if n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("hello")); n != 5 || err != nil {
				t.Error(n, err)
			}
		},
		"ResponseController": func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write([]byte("hello")); err != nil {
				t.Error(err)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
	} {
		w, log := serve(t, h)
		id := w.Header().Get(RequestIDHeader)
		for _, part := range []string{"request=" + id, "method=GET", "path=/a/path ", "status=200", "bytes=5"} {
			if !strings.Contains(log, part) || id == "" {
				t.Errorf("%s: the log lacks %q: %s", what, part, log)
			}
		}
		if strings.Contains(log, "secret") || w.Body.String() != "hello" {
			t.Errorf("%s: the log holds a secret, or the body is wrong: %s %s", what, log, w.Body)
		}
	}
}

func TestLoggedPath(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v2/fhir/Job/1/$status": "/api/v2/fhir/Job/1/$status", "/account/v1/secrets": "/account/v1/secrets", "/account/v1/secrets/s3cret": "/account/v1/secrets/***",
		"/admin/v1/clients/c/secrets/s3cret/more": "/admin/v1/clients/c/secrets/***", "/secrets/": "/secrets/***",
	} {
		if got := loggedPath(path); got != want {
			t.Errorf("%s is logged as %s, want %s", path, got, want)
		}
	}
}

func TestEveryRequestHasItsOwnID(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		w, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if id := RequestID(r.Context()); id != w.Header().Get(RequestIDHeader) || seen[id] {
				t.Errorf("the id is %q", id)
			}
		})
		seen[w.Header().Get(RequestIDHeader)] = true
	}
	if RequestID(t.Context()) != "" {
		t.Error("there is an id without a request")
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	w, log := serve(t, func(http.ResponseWriter, *http.Request) { panic(errors.New("out of order")) })
	id := w.Header().Get(RequestIDHeader)
	if w.Code != 500 || !strings.Contains(w.Body.String(), "failed "+id) || strings.Contains(w.Body.String(), "order") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	for _, part := range []string{"level=ERROR", "out of order", "http_test.go", "status=500"} {
		if !strings.Contains(log, part) || strings.Count(log, id) != 2 {
			t.Errorf("the log lacks %q: %s", part, log)
		}
	}
}

// TestAPanicBehindTheAnswer cannot be told any more: the failure is not
// written into an answer that has begun.
func TestAPanicBehindTheAnswer(t *testing.T) {
	var answer *httptest.ResponseRecorder
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(http.ErrAbortHandler) { // whether the connection is cut is open
				t.Errorf("panicked with %v", p)
			}
		}()
		serve(t, func(w http.ResponseWriter, _ *http.Request) {
			answer = w.(*recorder).ResponseWriter.(*httptest.ResponseRecorder)
			w.WriteHeader(http.StatusOK)
			panic("too late")
		})
	}()
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
}

// TestAnAbortedAnswerIsCutOff, as net/http wants it.
func TestAnAbortedAnswerIsCutOff(t *testing.T) {
	defer func() {
		if p := recover(); p != any(http.ErrAbortHandler) {
			t.Errorf("recovered %v", p)
		}
	}()
	serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func TestNewLogger(t *testing.T) {
	for _, c := range []struct{ format, level, want string }{
		{"text", "info", "level=INFO msg=hello a=1\n"}, {"json", "INFO", `"level":"INFO","msg":"hello","a":1}` + "\n"}, {"text", "warn", ""},
	} {
		var b bytes.Buffer
		log, err := NewLogger(&b, c.format, c.level)
		if err != nil {
			t.Fatal(err)
		}
		if log.Info("hello", "a", 1); !strings.HasSuffix(b.String(), c.want) || (c.want == "") != (b.Len() == 0) {
			t.Errorf("%s %s wrote %q", c.format, c.level, b.String())
		}
	}
	for _, c := range [][2]string{{"xml", "info"}, {"text", "loud"}, {"", ""}} {
		if _, err := NewLogger(io.Discard, c[0], c[1]); err == nil {
			t.Errorf("%q is accepted", c)
		}
	}
}
