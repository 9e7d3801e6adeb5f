package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand is ab2d man, which a release is built with.
type manCommand struct {
	Out string `arg:"" help:"Directory to write to. It is created if needed." type:"path" placeholder:"DIR"`
}

// Run writes a page for the program and one for each command.
func (c *manCommand) Run(k *kong.Kong) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil { //nolint:gosec // pages are for everybody
		return fmt.Errorf("create the directory of the pages: %w", err)
	}
	for _, node := range completed(k.Model.Node) {
		name := strings.ReplaceAll(node.FullPath(), " ", "-")
		page := manPage(name, node)
		if err := os.WriteFile(filepath.Join(c.Out, name+".1"), []byte(page), 0o644); err != nil { //nolint:gosec // pages are for everybody
			return fmt.Errorf("write a page: %w", err)
		}
	}
	return nil
}

// manPage is a page in the macros of man(7). Its date is that of the release, so
// that the same release always has the same bytes.
func manPage(name string, node *kong.Node) string {
	var b strings.Builder
	summary := node.Help
	if node.Parent == nil {
		summary = description
	}
	fmt.Fprintf(&b, ".TH %s 1 %s \"ab2d %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B ab2d\n%s\n.SH DESCRIPTION\n%s\n",
		strings.ToUpper(name), released, version, manText(name), manText(firstSentence(summary)), manText(manSynopsis(node)), manText(summary))
	if len(node.Children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, child := range node.Children {
			if !child.Hidden {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", manText(strings.ReplaceAll(child.FullPath(), " ", "-")), manText(child.Help))
			}
		}
	}
	if len(node.Positional) > 0 {
		b.WriteString(".SH ARGUMENTS\n")
		for _, p := range node.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", manText(p.Summary()), manText(p.Help))
		}
	}
	if len(node.Flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range node.Flags {
			if !f.Hidden {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n%s\n", manText(flagName(f)), manText(f.Help), manFacts(f))
			}
		}
	}
	if list := examplesOf(node); len(list) > 0 {
		b.WriteString(".SH EXAMPLES\n")
		for _, e := range list {
			fmt.Fprintf(&b, ".PP\n%s\n.PP\n.RS\n.nf\n%s\n.fi\n.RE\n", manText(e.comment), manText(e.command))
		}
	}
	return b.String()
}

func manSynopsis(node *kong.Node) string {
	if node.Parent == nil {
		return "COMMAND [flags]"
	}
	return strings.TrimSpace(node.Summary())
}

func manFacts(f *kong.Flag) string {
	if facts := flagFacts(f); facts != "" {
		return ".br\n" + manText(facts)
	}
	return "."
}

// manText is a text in which nothing is a macro or a special character of roff.
func manText(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
