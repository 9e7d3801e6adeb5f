package client

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRemoveOutput: the folder knows whose claims it had, also when a crash came between,
// and when it is done once more.
func TestRemoveOutput(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = `{"resourceType":"ExplanationOfBenefit","patient":{"reference":"Patient/2"}}` + "\n" +
		`{"resourceType":"ExplanationOfBenefit","patient":{"reference":"Patient/1"}}` + "\n"
	b.errs["e.ndjson"] = `{"resourceType":"OperationOutcome"}` + "\n"
	f := b.open(t.TempDir())
	run, err := b.exportTo(f, SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := run.RemoveOutput(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(run.OutputPaths()[0]); !os.IsNotExist(err) {
			t.Errorf("the file is there: %v", err)
		}
		if _, err := os.Stat(run.ErrorPaths()[0]); err != nil {
			t.Error(err)
		}
		if patients, err := os.ReadFile(filepath.Join(run.Dir(), PatientsFile)); err != nil || string(patients) != "1\n2\n" {
			t.Errorf("patients %q, %v", patients, err)
		}
		if run, err = f.Run(run.Name); err != nil || !run.Removed {
			t.Fatalf("%+v, %v", run, err)
		}
		// As if the program had stopped before it removed the file.
		if err := os.WriteFile(run.OutputPaths()[0], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
