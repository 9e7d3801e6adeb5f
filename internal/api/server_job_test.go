package api_test

import (
	"strings"

	"ab2d/internal/fhir"
)

// ended waits until nothing more is done for a job. It looks more often than
// the API lets its clients.
func (s *server) ended(status string) {
	s.Helper()
	s.until("the job's end", func() bool {
		j, err := s.db.Job(s.Context(), jobID(status))
		if err != nil {
			s.Fatal(err)
		}
		return j.State.Ended()
	})
}

// export runs an export of Z0000.
func (s *server) export() fhir.Manifest {
	s.Helper()
	return s.finish(one, s.kickOff(one, patientV1))
}

// jobID takes the id out of a job's addresses.
func jobID(address string) string {
	_, rest, _ := strings.Cut(address, "/Job/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// downloads is how often a file was downloaded completely.
func (s *server) downloads(address string) int {
	s.Helper()
	s.idle()
	f, err := s.db.File(s.Context(), jobID(address), address[strings.LastIndex(address, "/")+1:])
	if err != nil {
		s.Fatal(err)
	}
	return f.Downloads
}

// stored lists what is stored for a job.
func (s *server) stored(id string) []string {
	s.Helper()
	keys, err := s.files.List(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return keys
}
