package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// infoName is the file of a folder of tables that tells what they are.
const infoName = "tables.json"

// Info tells what the tables of a folder are. It is there as tables.json.
type Info struct {
	Version int    `json:"version"` // of their columns: see Version
	Format  Format `json:"format"`
	Rows    Counts `json:"rows"` // by table
}

// writeInfo has it on disk when it returns.
func writeInfo(dir string, i Info) error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	f, err := create(dir, infoName, 4<<10)
	if err != nil {
		return fmt.Errorf("writing tables: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing tables: %w", err)
	}
	return nil
}

// ReadInfo tells what the tables of a folder are. Tables without a tables.json are of
// version 1. It returns fs.ErrNotExist if the folder is not there.
func ReadInfo(dir string) (Info, error) {
	if _, err := os.Stat(dir); err != nil {
		return Info{}, err
	}
	path := filepath.Join(dir, infoName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{Version: 1}, nil
	}
	var i Info
	if err != nil {
		return Info{}, fmt.Errorf("reading what tables there are: %w", err)
	}
	if json.Unmarshal(b, &i) != nil || i.Version < 1 {
		return Info{}, fmt.Errorf("reading what tables there are: %s has no version; delete its folder to have the tables made again", path)
	}
	return i, nil
}
