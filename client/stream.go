package client

import (
	"errors"
	"io"
	"os"
	"sync"
)

// stream is a file that is read from its start while more is added to its end.
// So what comes over the network is kept at once, however long the reading of
// what came before takes.
type stream struct {
	file *os.File

	mu   sync.Mutex
	more sync.Cond
	end  int64 // how much there is
	err  error // after that; nil while more may come
	at   int64 // how much was read
}

// newStream has the first bytes of a file already.
func newStream(file *os.File, end int64) *stream {
	s := &stream{file: file, end: end}
	s.more.L = &s.mu
	return s
}

// fill adds all of body. It returns when that has ended.
func (s *stream) fill(body io.Reader) {
	buf := make([]byte, 128<<10)
	for done := false; !done; {
		n, err := body.Read(buf)
		if n > 0 {
			if _, werr := s.file.WriteAt(buf[:n], s.end); werr != nil {
				n, err = 0, werr
			}
		}
		done = err != nil
		s.mu.Lock()
		s.end, s.err = s.end+int64(n), err
		s.mu.Unlock()
		s.more.Broadcast()
	}
}

// Read waits for what is not there yet.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	for s.at == s.end && s.err == nil {
		s.more.Wait()
	}
	at, end, err := s.at, s.end, s.err
	s.mu.Unlock()
	if at == end {
		return 0, err
	}
	n, err := s.file.ReadAt(p[:min(int64(len(p)), end-at)], at)
	s.at += int64(n) // only the reader touches it, and fill does not look
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	return n, err
}
