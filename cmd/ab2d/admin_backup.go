package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
)

// adminBackupCommand is ab2d admin backup.
type adminBackupCommand struct {
	stateConfig
	File  string `arg:"" help:"The file to write, which must not exist." type:"path"`
	Store string `name:"files" help:"Storage of result files, to print how to copy it: dir:PATH or s3://BUCKET/PREFIX. The default is files in the data directory." placeholder:"ADDRESS"`
}

// Run copies the database and prints what comes next. The order matters: files that are
// written after the copy of the database are found by ab2d admin files verify, but
// a row whose file was copied too early has no file.
func (c *adminBackupCommand) Run(ctx context.Context, s streams) error {
	c.complete()
	if !strings.HasPrefix(c.Database, "sqlite:") {
		return c.explainServer(s.out)
	}
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	head, err := db.Backup(ctx, c.File)
	if err = errors.Join(err, db.Close()); errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Errorf("%s exists: name a file that does not", c.File)}
	}
	if err != nil {
		return err
	}
	size, err := sizeOf(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %s, audit head %d:%s\n", c.File, humanize.Bytes(uint64(size)), head.Number, head.Hash)
	return c.explainRest(s.out, 1)
}

// explainServer prints what to call for PostgreSQL.
func (c *adminBackupCommand) explainServer(w io.Writer) error {
	address := c.Database
	if u, err := url.Parse(address); err == nil && u.User != nil {
		u.User = url.User(u.User.Username()) // pg_dump takes the password from PGPASSWORD or PGPASSFILE
		address = u.String()
	}
	fmt.Fprintf(w, "Nothing was copied. Call these in this order:\n"+
		"1. Print the head of the audit log, and keep it: ab2d audit verify --database='%s'\n"+
		"2. Copy the database: pg_dump --format=custom --file='%s' '%s'\n", address, c.File, address)
	return c.explainRest(w, 3)
}

// explainRest prints what to copy after the database.
func (c *adminBackupCommand) explainRest(w io.Writer, step int) error {
	from := c.Store
	if from == "" {
		from = "dir:" + filepath.Join(c.Data, "files")
	}
	copied := "rsync -a " + strings.TrimPrefix(from, "dir:") + "/ BACKUP/files/"
	if strings.HasPrefix(from, "s3:") {
		bucket, query, _ := strings.Cut(from, "?")
		copied = "aws s3 sync " + bucket + " BACKUP/files/"
		if q, err := url.ParseQuery(query); err == nil && q.Get("endpoint") != "" {
			copied += " --endpoint-url=" + q.Get("endpoint")
		}
	}
	_, err := fmt.Fprintf(w, "%d. Then copy the result files: %s\n%d. Keep the key file (--key-file, or key-encryption-key in the data directory) in another place than the backup.\n"+
		"After a restore, run ab2d audit verify and ab2d admin files verify.\n", step, copied, step+1)
	return err
}

func sizeOf(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, fmt.Errorf("look at the backup: %w", err)
	}
	return info.Size(), nil
}
