package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/dustin/go-humanize"

	"ab2d/internal/admin"
)

type adminFilesCommand struct {
	Verify adminFilesVerifyCommand `cmd:"" help:"Read stored result files and verify their checksums."`
}

type adminFilesVerifyCommand struct {
	adminConfig
	encryptionConfig
	Job   string `arg:"" optional:"" help:"Only the files of this job."`
	Store string `name:"files" help:"Storage of result files: dir:PATH or s3://BUCKET/PREFIX. The default is files in the data directory. Not with --server." placeholder:"ADDRESS"`
}

// verifyTime bounds how long all stored files may take.
const verifyTime = 24 * time.Hour

// errFaultyFiles says that files are damaged, missing or could not be read.
type errFaultyFiles struct{ n int }

// Error says how many.
func (e errFaultyFiles) Error() string {
	if e.n == 1 {
		return "1 file is not what was written"
	}
	return fmt.Sprintf("%s not what was written", english.Plural(e.n, "file is", "files are"))
}

// Run verifies files. It fails if one is not good.
func (c *adminFilesVerifyCommand) Run(ctx context.Context, s streams) error {
	c.timeout, c.files, c.encrypted = verifyTime, c.Store, &c.encryptionConfig
	if c.files == "" {
		c.files = "dir:" + filepath.Join(c.Data, "files")
	}
	path := "/files/verify"
	if c.Job != "" {
		path = jobPath(c.Job) + "/verify"
	}
	faulty := 0
	err := printResponse(ctx, s, &c.adminConfig, "POST", path, nil, func(w io.Writer, v admin.Verification) error {
		faulty = len(v.Faulty)
		for _, f := range v.Faulty {
			fmt.Fprintf(w, "%s  %s/%s: %s\n", f.State, f.Job, f.Name, f.Error)
		}
		for _, key := range v.Unowned {
			fmt.Fprintf(w, "unowned  %s: no job of the database has this file\n", key)
		}
		_, err := fmt.Fprintf(w, "%s of %s verified, %s: %d damaged, missing or unread\n", english.Plural(v.Files, "file", ""), english.Plural(v.Jobs, "job", ""), humanize.Bytes(uint64(v.Bytes)), faulty)
		return err
	})
	if err == nil && faulty > 0 {
		err = errFaultyFiles{faulty}
	}
	return err
}
