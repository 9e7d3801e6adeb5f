package main

import (
	_ "embed" // for the examples
	"strings"

	"github.com/alecthomas/kong"
)

// examplesText has the examples of all commands: a comment, and below it what is
// typed. A test parses each of them.
//
//go:embed examples.txt
var examplesText string

// example is a command line and what it does.
type example struct {
	comment, command string
}

// examples are those of all commands.
func examples() []example {
	var list []example
	comment := ""
	for line := range strings.Lines(examplesText) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "# "); ok {
			comment = text
		} else if line != "" {
			list = append(list, example{comment, line})
		}
	}
	return list
}

// examplesOf are those of a command.
func examplesOf(node *kong.Node) []example {
	root := node
	for root.Parent != nil {
		root = root.Parent
	}
	var list []example
	for _, e := range examples() {
		if named(root, strings.Fields(e.command)[1:]) == node {
			list = append(list, e)
		}
	}
	return list
}

// named is the command that the first words of a command line name.
func named(node *kong.Node, args []string) *kong.Node {
	for _, child := range node.Children {
		if len(args) > 0 && child.Name == args[0] {
			return named(child, args[1:])
		}
	}
	if node.DefaultCmd != nil {
		return node.DefaultCmd
	}
	return node
}
