package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const description = "ab2d gives Medicare Part D sponsors their enrollees' claims (FHIR Bulk Data)."

// helpWidth is the number of columns that help uses.
const helpWidth = 80

// commandGroup are commands that the same people use.
type commandGroup struct {
	title string
	lines [][2]string // a command, and what it does in one line
}

// commandGroups are the commands in the order of ab2d --help. Together they fit a
// terminal of 24 lines.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"Try it", [][2]string{
			{"demo", "Run one export from beginning to end."},
			{"sandbox", "Run a complete server with synthetic claims."},
		}},
		{"Get claims", [][2]string{
			{"export", "Download a sponsor's claims, and keep the folder up to date."},
			{"account", "Show and change your client: secrets, keys, networks, jobs."},
		}},
		{"Run a server", [][2]string{
			{"serve", "Run a server: the API and its workers."},
			{"worker", "Run workers only, for servers on PostgreSQL and S3."},
			{"migrate", "Update the database to this release."},
			{"import", "Import contracts, enrollment, opt-outs or claims."},
			{"mirror", "Copy claims and enrollment from a FHIR server (BFD)."},
			{"admin", "Administer sponsors, contracts, clients, jobs and keys."},
			{"audit", "Verify, export and archive the audit log."},
		}},
		{"Make files", [][2]string{
			{"synth", "Write synthetic claims and enrollment, or serve them as BFD does."},
			{"minimize", "Reduce raw claims to the minimum necessary."},
		}},
	}
}

// helpCommand is ab2d help.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to explain, for example admin client add." placeholder:"COMMAND"`
}

// Run prints the help of a command.
func (c *helpCommand) Run(k *kong.Kong) error {
	_, err := k.Parse(append(slices.Clone(c.Command), "--help")) // prints, and exits
	return err
}

// help prints the help of a command: all of it on one screen for the program as a
// whole, and everything about a single command.
func help(_ kong.HelpOptions, c *kong.Context) error {
	return printHelp(c.Stdout, helpNode(c))
}

// helpNode is the command whose help is asked for.
func helpNode(c *kong.Context) *kong.Node {
	node := c.Model.Node
	for _, p := range c.Path {
		if p.Command != nil {
			node = p.Command
		}
	}
	return node
}

// printHelp writes the help of a command.
func printHelp(w io.Writer, node *kong.Node) error {
	var b strings.Builder
	switch {
	case node.Parent == nil:
		rootHelp(&b)
	case node.Leaf():
		leafHelp(&b, node)
	default:
		branchHelp(&b, node)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func rootHelp(b *strings.Builder) {
	b.WriteString(description + "\n\nUsage: ab2d COMMAND [flags]\n")
	for _, g := range commandGroups() {
		fmt.Fprintf(b, "%s\n", g.title)
		for _, l := range g.lines {
			fmt.Fprintf(b, "  %-10s %s\n", l[0], l[1])
		}
	}
	b.WriteString("\nab2d COMMAND --help shows examples, flags, defaults and environment variables.\n" +
		"ab2d version; ab2d completion bash, zsh or fish; ab2d help COMMAND.\n")
}

// branchHelp is the help of a command that only has commands below it. What its
// default command takes is explained, too.
func branchHelp(b *strings.Builder, node *kong.Node) {
	name := node.FullPath()
	fmt.Fprintf(b, "Usage: %s COMMAND [flags]\n\n%s\nCommands:\n", name, wrapped(node.Help, ""))
	leaves := node.Leaves(true)
	width := 0
	for _, leaf := range leaves {
		width = max(width, len(leaf.Path())-len(node.Path()))
	}
	for _, leaf := range leaves {
		text := wrapped(firstSentence(leaf.Help), strings.Repeat(" ", width+3))
		fmt.Fprintf(b, "  %-*s %s", width, strings.TrimPrefix(leaf.Path(), node.Path()+" "), strings.TrimLeft(text, " "))
	}
	b.WriteString("\n" + wrapped(name+" COMMAND --help shows examples, flags, defaults and environment variables.", ""))
	if d := node.DefaultCmd; d != nil {
		fmt.Fprintf(b, "\n%s alone means %s.\n", name, d.FullPath())
		examplesHelp(b, d)
		flagsHelp(b, d)
	}
}

// leafHelp is everything about a command.
func leafHelp(b *strings.Builder, node *kong.Node) {
	fmt.Fprintf(b, "Usage: ab2d %s\n\n%s", node.Summary(), wrapped(node.Help, ""))
	if node.Detail != "" {
		for paragraph := range strings.SplitSeq(node.Detail, "\n\n") {
			b.WriteString("\n" + wrapped(paragraph, ""))
		}
	}
	examplesHelp(b, node)
	if len(node.Positional) > 0 {
		b.WriteString("\nArguments:\n")
		for _, p := range node.Positional {
			fmt.Fprintf(b, "  %s\n%s", p.Summary(), wrapped(p.Help, "        "))
		}
	}
	flagsHelp(b, node)
}

func examplesHelp(b *strings.Builder, node *kong.Node) {
	examples := examplesOf(node)
	if len(examples) > 0 {
		b.WriteString("\nExamples:\n")
	}
	for _, e := range examples {
		fmt.Fprintf(b, "  # %s\n  %s\n", e.comment, e.command)
	}
}

func flagsHelp(b *strings.Builder, node *kong.Node) {
	b.WriteString("\nFlags:\n")
	for _, f := range node.Flags {
		if !f.Hidden {
			fmt.Fprintf(b, "  %s\n%s", flagName(f), wrapped(f.Help, "        "))
			if facts := flagFacts(f); facts != "" {
				fmt.Fprintf(b, "        %s\n", facts)
			}
		}
	}
	fmt.Fprintf(b, "  --profile NAME\n        Take flags from this profile of ~/.config/ab2d/config.toml.\n        environment: %s\n", profileVariable)
	b.WriteString("  -h, --help\n        Show this help.\n")
}

// flagName is a flag as it is typed.
func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	switch {
	case f.Tag.Negatable != "":
		return strings.Replace(name, "--", "--[no-]", 1)
	case !f.IsBool():
		return name + " " + f.FormatPlaceHolder()
	}
	return name
}

// flagFacts tells a flag's default and its variable.
func flagFacts(f *kong.Flag) string {
	var facts []string
	switch {
	case f.Required:
		facts = append(facts, "required")
	case f.HasDefault && f.Default != "":
		facts = append(facts, "default: "+f.Default)
	}
	if len(f.Envs) > 0 { // the others are old names
		facts = append(facts, "environment: "+f.Envs[0])
	}
	return strings.Join(facts, "; ")
}

// firstSentence is a text up to the end of its first sentence.
func firstSentence(s string) string {
	if first, _, more := strings.Cut(s, ". "); more {
		return first + "."
	}
	return s
}

// wrapped breaks a text into indented lines of at most helpWidth columns.
func wrapped(s, indent string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(s) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > helpWidth:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}
