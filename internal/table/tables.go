package table

import (
	"errors"
	"reflect"
)

// tableWriter writes one table in one format.
type tableWriter interface {
	// add writes rows: a slice of the table's type, which may be used again
	// after add returns.
	add(rows reflect.Value) error
	// close ends the file and has it on disk.
	close() error
	// abort ends the file however it is.
	abort()
}

// tables is a sink that writes all tables, in the order of Names.
type tables struct {
	writers []tableWriter
	rows    []int64 // written so far, of each
}

// openTables begins a file for each table with a format's constructor.
func openTables(dir string, create newTable) (sink, error) {
	s := &tables{rows: make([]int64, len(Names))}
	for i, row := range rowTypes() {
		w, err := create(dir, Names[i], row)
		if w != nil {
			s.writers = append(s.writers, w)
		}
		if err != nil {
			s.abort()
			return nil, err
		}
	}
	return s, nil
}

// rowTypes are the types of the tables' rows, in the order of Names.
func rowTypes() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[Claim](), reflect.TypeFor[Line](), reflect.TypeFor[Diagnosis](), reflect.TypeFor[Procedure](), reflect.TypeFor[CareTeamMember]()}
}

func (s *tables) add(_ []byte, r *rows) error {
	for i, list := range []any{[]Claim{r.claim}, r.lines, r.diagnoses, r.procedures, r.careTeam} {
		v := reflect.ValueOf(list)
		if err := s.writers[i].add(v); err != nil {
			return err
		}
		s.rows[i] += int64(v.Len())
	}
	return nil
}

func (s *tables) close() (Counts, error) {
	counts := Counts{}
	var errs []error
	for i, w := range s.writers {
		errs = append(errs, w.close())
		counts[Names[i]] = s.rows[i]
	}
	return counts, errors.Join(errs...)
}

func (s *tables) abort() {
	for _, w := range s.writers {
		w.abort()
	}
}
