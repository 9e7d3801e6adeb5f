package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand is ab2d completion.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish." placeholder:"SHELL"`
}

// Run prints the script.
func (c *completionCommand) Run(k *kong.Kong, s streams) error {
	script := map[string]func(*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(s.out, script(k.Model.Node))
	return err
}

// completed are the commands that have something to complete: all that are not hidden.
func completed(node *kong.Node) []*kong.Node {
	list := []*kong.Node{node}
	for _, child := range node.Children {
		if !child.Hidden {
			list = append(list, completed(child)...)
		}
	}
	return list
}

// word is something to type, and what it means.
type word struct{ text, help string }

// commandWords are the commands below a command.
func commandWords(node *kong.Node) []word {
	var words []word
	for _, child := range node.Children {
		if !child.Hidden {
			words = append(words, word{child.Name, firstSentence(child.Help)})
		}
	}
	if node.Name == "completion" {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			words = append(words, word{shell, "Complete in " + shell + "."})
		}
	}
	return words
}

// flagWords are the flags of a command, and of its default command.
func flagWords(node *kong.Node) []word {
	words := []word{{"--help", "Show this help."}}
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	for _, f := range node.Flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		words = append(words, word{"--" + f.Name, firstSentence(f.Help)})
		if f.Tag.Negatable != "" {
			words = append(words, word{"--no-" + f.Name, firstSentence(f.Help)})
		}
	}
	return words
}

func texts(words []word) string {
	var list []string
	for _, w := range words {
		list = append(list, w.text)
	}
	return strings.Join(list, " ")
}

// commandPaths are the paths of all commands that can be walked into, for a case
// pattern of a shell.
func commandPaths(root *kong.Node) string {
	var list []string
	for _, n := range completed(root)[1:] {
		list = append(list, `"`+n.Path()+`"`)
	}
	return strings.Join(list, "|")
}

func bashCompletion(root *kong.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of ab2d in bash. Load it with: source <(ab2d completion bash)
_ab2d() {
  local at="" i next commands="" flags=""
  local current="${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${at:+$at }${COMP_WORDS[i]}"
    case "$next" in
      %s) at="$next" ;;
    esac
  done
  case "$at" in
`, commandPaths(root))
	for _, n := range completed(root) {
		fmt.Fprintf(&b, "    \"%s\") commands=\"%s\" flags=\"%s\" ;;\n", n.Path(), texts(commandWords(n)), texts(flagWords(n)))
	}
	b.WriteString(`  esac
  if [[ "$current" == -* ]]; then commands="$flags"; fi
  COMPREPLY=($(compgen -W "$commands" -- "$current"))
}
complete -o default -F _ab2d ab2d
`)
	return b.String()
}

// shellQuoted is a text between single quotes, for zsh and fish.
func shellQuoted(s, quote string) string { return "'" + strings.ReplaceAll(s, "'", quote) + "'" }

func zshCompletion(root *kong.Node) string {
	const quote = `'\''`
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef ab2d
# Completion of ab2d in zsh. Load it with: source <(ab2d completion zsh)
_ab2d() {
  local at="" next i
  local -a commands flags
  for ((i = 2; i < CURRENT; i++)); do
    next="${at:+$at }${words[i]}"
    case "$next" in
      (%s) at="$next" ;;
    esac
  done
  case "$at" in
`, commandPaths(root))
	list := func(words []word) string {
		var items []string
		for _, w := range words {
			items = append(items, shellQuoted(w.text+":"+w.help, quote))
		}
		return strings.Join(items, " ")
	}
	for _, n := range completed(root) {
		fmt.Fprintf(&b, "    (\"%s\") commands=(%s) flags=(%s) ;;\n", n.Path(), list(commandWords(n)), list(flagWords(n)))
	}
	b.WriteString(`  esac
  if [[ "${words[CURRENT]}" == -* ]]; then
    _describe flag flags
  elif (( ${#commands} )); then
    _describe command commands
  else
    _files
  fi
}
if [[ "${funcstack[1]}" == _ab2d ]]; then _ab2d "$@"; else compdef _ab2d ab2d; fi
`)
	return b.String()
}

func fishCompletion(root *kong.Node) string {
	const quote = `\'`
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of ab2d in fish. Write it to ~/.config/fish/completions/ab2d.fish
function __ab2d_at
    set -l at
    for word in (commandline -opc)[2..]
        set -l next (string join ' ' $at $word)
        switch $next
            case %s
                set at $next
        end
    end
    test "$at" = "$argv[1]"
end
`, strings.ReplaceAll(commandPaths(root), "|", " "))
	for _, n := range completed(root) {
		at := shellQuoted(`__ab2d_at "`+n.Path()+`"`, quote)
		if words := commandWords(n); len(words) > 0 {
			for _, w := range words {
				fmt.Fprintf(&b, "complete -c ab2d -f -n %s -a %s -d %s\n", at, w.text, shellQuoted(w.help, quote))
			}
		}
		for _, w := range flagWords(n) {
			fmt.Fprintf(&b, "complete -c ab2d -n %s -l %s -d %s\n", at, strings.TrimPrefix(w.text, "--"), shellQuoted(w.help, quote))
		}
	}
	return b.String()
}
