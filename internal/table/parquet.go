package table

import (
	"errors"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// groupRows is how many rows are kept in memory before they are written: a row
// group. It bounds the memory, and what a query has to read at least.
const groupRows = 50_000

// parquetTable is one table.
type parquetTable[T any] struct {
	file *file
	out  *parquet.GenericWriter[T]
	rows int64
}

func newParquetTable[T any](dir, name string) (*parquetTable[T], error) {
	f, err := create(dir, name+".parquet", buffered)
	if err != nil {
		return nil, err
	}
	return &parquetTable[T]{file: f, out: parquet.NewGenericWriter[T](f, parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.MaxRowsPerRowGroup(groupRows), parquet.CreatedBy("ab2d", "", ""))}, nil
}

func (t *parquetTable[T]) add(rows []T) error {
	n, err := t.out.Write(rows)
	t.rows += int64(n)
	return err
}

func (t *parquetTable[T]) close() error {
	return errors.Join(t.out.Close(), t.file.Close())
}

// parquetSink is all tables.
type parquetSink struct {
	claims     *parquetTable[Claim]
	lines      *parquetTable[Line]
	diagnoses  *parquetTable[Diagnosis]
	procedures *parquetTable[Procedure]
	careTeam   *parquetTable[CareTeamMember]
}

func openParquet(dir string) (sink, error) {
	var s parquetSink
	var errs [5]error
	s.claims, errs[0] = newParquetTable[Claim](dir, Names[0])
	s.lines, errs[1] = newParquetTable[Line](dir, Names[1])
	s.diagnoses, errs[2] = newParquetTable[Diagnosis](dir, Names[2])
	s.procedures, errs[3] = newParquetTable[Procedure](dir, Names[3])
	s.careTeam, errs[4] = newParquetTable[CareTeamMember](dir, Names[4])
	if err := errors.Join(errs[:]...); err != nil {
		s.abort()
		return nil, err
	}
	return &s, nil
}

func (s *parquetSink) add(_ []byte, r *rows) error {
	return errors.Join(s.claims.add([]Claim{r.claim}), s.lines.add(r.lines), s.diagnoses.add(r.diagnoses), s.procedures.add(r.procedures),
		s.careTeam.add(r.careTeam))
}

func (s *parquetSink) close() (Counts, error) {
	err := errors.Join(s.claims.close(), s.lines.close(), s.diagnoses.close(), s.procedures.close(), s.careTeam.close())
	return Counts{Names[0]: s.claims.rows, Names[1]: s.lines.rows, Names[2]: s.diagnoses.rows, Names[3]: s.procedures.rows, Names[4]: s.careTeam.rows}, err
}

func (s *parquetSink) abort() {
	if s.claims != nil {
		s.claims.file.File.Close()
	}
	if s.lines != nil {
		s.lines.file.File.Close()
	}
	if s.diagnoses != nil {
		s.diagnoses.file.File.Close()
	}
	if s.procedures != nil {
		s.procedures.file.File.Close()
	}
	if s.careTeam != nil {
		s.careTeam.file.File.Close()
	}
}
