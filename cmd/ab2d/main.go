package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/obs"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for could not be done
	exitUsage  = 2 // the arguments or settings are wrong
	exitSome   = 3 // part of the input was left out
	exitAgain  = 4 // stopped before the end; the same command goes on from there
	exitLocked = 5 // another process is at it
)

// commands are the program's commands; each has a Run method.
type commands struct {
	Sandbox  sandboxCommands `cmd:"" help:"Start a complete server with synthetic claims, in which the commands of the AB2D tutorial work; or show what its claims are."`
	Demo     demoCommand     `cmd:"" help:"Run one export from beginning to end: start a sandbox, export a sponsor's claims, download and verify them, and stop."`
	Export   exportCommand   `cmd:"" help:"Download a sponsor's claims from this server, CMS's AB2D or any Bulk Data server into a folder, and keep the folder up to date."`
	Account  accountCommand  `cmd:"" help:"Show and change your own client at an ab2d server: its secrets, keys, networks and jobs."`
	Serve    serveCommand    `cmd:"" help:"Run a server: the API, and workers in the same process unless --workers=0."`
	Worker   workerCommand   `cmd:"" help:"Run workers only, for servers on the same PostgreSQL and S3."`
	Migrate  migrateCommand  `cmd:"" help:"Update the tables of the database and the stored claims to this release."`
	Import   importCommand   `cmd:"" help:"Import contracts, enrollment, opt-outs or claims from files, or contracts from HPMS, for a server with --claims=store:."`
	Mirror   mirrorCommand   `cmd:"" help:"Copy claims and enrollment from an upstream FHIR server (BFD) into the database, for a server with --claims=store:."`
	Synth    synthCommands   `cmd:"" help:"Write sample files: synthetic raw claims, enrollment, contracts, opt-outs, and the expected results; or serve the same data as CMS's claims server does."`
	Minimize minimizeCommand `cmd:"" help:"Reduce raw ExplanationOfBenefit resources to the minimum necessary, and write NDJSON as an export does."`
	Admin    adminCommand    `cmd:"" help:"Administer a server: sponsors, contracts, clients, jobs, keys, maintenance."`
	Audit    auditCommand    `cmd:"" help:"Verify, export and archive the audit log."`

	Help           helpCommand       `cmd:"" help:"Explain a command."`
	VersionCommand versionCommand    `cmd:"" name:"version" help:"Print the version, the commit, its date, and the version of Go."`
	Completion     completionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`
	Man            manCommand        `cmd:"" hidden:"" help:"Write a manual page for each command."`
	Version        kong.VersionFlag  `help:"Print the version."`
	Profile        string            `help:"Take flags from this profile of ~/.config/ab2d/config.toml." placeholder:"NAME"`
}

// streams are where a command reads and writes.
type streams struct {
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	os.Exit(run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr}))
}

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	error
}

func (e *codedError) Unwrap() error { return e.error }

// exited is what kong's own exits (--help, --version) are turned into.
type exited int

// variables are what help texts and defaults contain.
func variables() kong.Vars {
	return kong.Vars{
		"version": versionText(), "processors": strconv.Itoa(runtime.GOMAXPROCS(0)),
		"faults": strings.Join(bfdtest.FaultNames(), ", "), "survivable": strings.Join(bfdtest.Survivable(), ","),
	}
}

// newParser returns the parser of the program's arguments.
func newParser(c *commands, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name("ab2d"), kong.Description(description), environment(), durations(), profiles(), variables(), kong.Help(help),
	}, options...)...)
}

// run parses the arguments, runs the command and returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(exited)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	ctx = asOperator(ctx)
	if asksForJSON(args) {
		s.err = &jsonLines{w: s.err}
	}
	var c commands
	parser, err := newParser(&c, kong.Writers(s.out, s.err), kong.Exit(func(code int) { panic(exited(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		fmt.Fprintln(s.err, "ab2d:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(currentNames(joinNegative(args), s.err))
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		err = wrong // of the profile; kong names the first flag before it
	}
	if err == nil {
		noticeOldVariables(command, s.err)
		err = command.Run()
	}
	return exitCode(ctx, command, err, s.err)
}

// joinNegative writes --flag -1 as --flag=-1, which kong does not take for another
// flag. So a negative number gets the flag's own error.
func joinNegative(args []string) []string {
	var joined []string
	for _, arg := range args {
		last := len(joined) - 1
		negative := len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9'
		if negative && last >= 0 && strings.HasPrefix(joined[last], "--") && !strings.Contains(joined[last], "=") && joined[last] != "--" {
			joined[last] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

// exitCode prints an error, if there is one, and tells what the program ends with.
func exitCode(ctx context.Context, command *kong.Context, err error, w io.Writer) int {
	var usage *usageError
	var wrong *kong.ParseError
	var coded *codedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(w, "ab2d: %s\n%s --help shows how to use it.\n", shownError(err), helpNode(wrong.Context).FullPath())
		return exitUsage
	case errors.Is(err, errSomeInvalid):
		complain(w, command, err)
		return exitSome
	case errors.As(err, &coded):
		complain(w, command, err)
		return coded.code
	case errors.As(err, &usage):
		complain(w, command, err)
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(w, "ab2d: stopped")
		return exitFailed
	}
	complain(w, command, err)
	return exitFailed
}

// shownError is an error for a terminal: it may quote what a file or a server holds.
func shownError(err error) string { return obs.Lines(err.Error()) }
