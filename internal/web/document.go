package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// document is a Markdown document as HTML.
type document struct {
	Title    string
	Summary  string // its first paragraph
	HTML     template.HTML
	Contents []heading
}

// heading is an entry of a table of contents.
type heading struct {
	ID, Text string
	Level    int
}

// readDocuments renders all documents. Raw HTML in them is left out.
func readDocuments(files fs.FS) (map[string]document, error) {
	documents, md := map[string]document{}, newMarkdown()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		documents[strings.TrimSuffix(name, ".md")], err = md.document(source, func(target string) bool {
			_, err := fs.Stat(files, path.Join(path.Dir(name), target))
			return err == nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the documents: %w", err)
	}
	return documents, nil
}

// markdown turns Markdown into HTML fit for a page: headings that link to
// themselves, tables whose cells know their column, links that lead to pages.
// Not safe for concurrent use.
type markdown struct {
	goldmark.Markdown
	has      func(target string) bool // whether there is a file that is linked to
	title    string
	summary  string
	contents []heading
}

func newMarkdown() *markdown {
	m := &markdown{}
	m.Markdown = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID(),
		parser.WithASTTransformers(util.Prioritized(m, 100))))
	return m
}

// document renders a document; has tells whether there is a file that it links
// to. A link to what is not on the pages becomes plain text.
func (m *markdown) document(source []byte, has func(target string) bool) (document, error) {
	m.has, m.title, m.summary, m.contents = has, "", "", nil
	var b bytes.Buffer
	if err := m.Convert(source, &b); err != nil {
		return document{}, fmt.Errorf("render Markdown: %w", err)
	}
	return document{Title: m.title, Summary: m.summary, HTML: template.HTML(b.String()), Contents: m.contents}, nil
}

// text renders a piece of text, as in the OpenAPI document.
func (m *markdown) text(source string) (template.HTML, error) {
	if source == "" {
		return "", nil
	}
	d, err := m.document([]byte(source), func(string) bool { return false })
	return d.HTML, err
}

// Transform is called by goldmark with a parsed document.
func (m *markdown) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	source := reader.Source()
	var links []*ast.Link
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // which only returns our own errors
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			m.heading(n, source)
		case *table.Table:
			label(n, source)
		case *ast.Paragraph:
			if m.summary == "" {
				m.summary = plainText(n, source)
			}
		case *ast.Link:
			links = append(links, n)
		}
		return ast.WalkContinue, nil
	})
	for _, l := range links {
		m.link(l)
	}
}

// heading notes a heading and turns its text into a link to itself.
func (m *markdown) heading(h *ast.Heading, source []byte) {
	content := plainText(h, source)
	if h.Level == 1 {
		m.title = content
		return
	}
	id, ok := h.AttributeString("id")
	if !ok {
		return
	}
	anchor := string(id.([]byte))
	m.contents = append(m.contents, heading{ID: anchor, Text: content, Level: h.Level})
	l := ast.NewLink()
	l.Destination = []byte("#" + anchor)
	for c := h.FirstChild(); c != nil; c = h.FirstChild() {
		l.AppendChild(l, c)
	}
	h.AppendChild(h, l)
}

// label writes the column's heading to every cell, which a narrow screen shows
// beside it, and the roles that a browser forgets when rows become blocks. A
// heading without words gets one that only a screen reader tells.
func label(t *table.Table, source []byte) {
	var names []string
	t.SetAttributeString("role", []byte("table"))
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		_, head := row.(*table.TableHeader)
		if !head {
			row.SetAttributeString("role", []byte("row"))
		}
		for cell, i := row.FirstChild(), 0; cell != nil; cell, i = cell.NextSibling(), i+1 {
			switch {
			case head:
				names = append(names, plainText(cell, source))
				if names[i] == "" {
					cell.SetAttributeString("class", []byte("unnamed"))
					cell.AppendChild(cell, ast.NewString([]byte("What")))
				}
			default:
				cell.SetAttributeString("role", []byte("cell"))
				if i < len(names) && names[i] != "" {
					cell.SetAttributeString("data-label", []byte(names[i]))
				}
			}
		}
	}
}

// link leads to the page of a document.
func (m *markdown) link(l *ast.Link) {
	target, fragment, _ := strings.Cut(string(l.Destination), "#")
	if target == "" || strings.Contains(target, "://") {
		return
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	if path.Ext(target) == ".md" && m.has(target) {
		l.Destination = []byte(strings.TrimSuffix(target, ".md") + fragment)
		return
	}
	if path.Dir(target) != "." && path.Ext(target) != ".md" && m.has(target) {
		return // which the reader saves
	}
	for c := l.FirstChild(); c != nil; c = l.FirstChild() {
		l.Parent().InsertBefore(l.Parent(), l, c)
	}
	l.Parent().RemoveChild(l.Parent(), l)
}

// plainText is what a node says, without its markup.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		switch c := c.(type) {
		case *ast.Text:
			if entering {
				b.Write(c.Segment.Value(source))
				if c.SoftLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(c.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
