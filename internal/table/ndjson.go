package table

// ndjsonSink is one file of claims as they came.
type ndjsonSink struct {
	file *file
	rows int64
}

func openNDJSON(dir string) (sink, error) {
	f, err := create(dir, "claims.ndjson", buffered)
	if err != nil {
		return nil, err
	}
	return &ndjsonSink{file: f}, nil
}

func (s *ndjsonSink) add(line []byte, _ *rows) error {
	s.rows++
	if _, err := s.file.Write(line); err != nil {
		return err
	}
	_, err := s.file.Write([]byte{'\n'})
	return err
}

func (s *ndjsonSink) close() (Counts, error) { return Counts{Names[0]: s.rows}, s.file.Close() }

func (s *ndjsonSink) abort() { s.file.File.Close() }
