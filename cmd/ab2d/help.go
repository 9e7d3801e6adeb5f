package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

const description = `Claims data to Part D sponsors: a FHIR Bulk Data server compatible with CMS's AB2D.

Each flag can also be set by the environment variable named below it.`

// help prints the usual help. For the program as a whole it also prints every flag
// of every command, so that one page explains all of them.
func help(options kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, c); err != nil {
		return err
	}
	nodes := c.Model.Leaves(true)
	if selected := c.Selected(); selected != nil {
		if nodes = nil; selected.DefaultCmd != nil { // what ab2d sandbox alone means
			nodes = []*kong.Node{selected.DefaultCmd}
		}
	}
	for _, node := range nodes {
		fmt.Fprintf(c.Stdout, "\nab2d %s\n", node.Path())
		for _, f := range node.Flags {
			value := ""
			if !f.IsBool() {
				value = " " + f.FormatPlaceHolder()
			}
			fmt.Fprintf(c.Stdout, "  --%s%s\n%s", f.Name, value, indented(f.Help))
			for _, env := range f.Envs[:min(1, len(f.Envs))] { // the others are old names
				fmt.Fprintf(c.Stdout, "        environment: %s\n", env)
			}
			if f.HasDefault && f.Default != "" {
				fmt.Fprintf(c.Stdout, "        default: %s\n", f.Default)
			}
		}
	}
	return nil
}

// indented breaks a text into lines of at most 80 columns, indented by 8.
func indented(s string) string {
	const indent, width = "        ", 80
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(s) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
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
