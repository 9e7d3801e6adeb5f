package eob

// scanner reads a claim once, strictly, and copies what the allow-list keeps.
// After a fault it stands at the end of the input, where no value begins, so
// that everything comes to an end without asking for it.
type scanner struct {
	in      []byte
	pos     int
	depth   int
	names   [][]byte // of the fields so far of all open objects
	scratch []byte   // names and texts that were written with escapes
	fault   string
	faultAt int

	out    []byte
	places places
	facts  facts
	links  links
	known  *links // those of the claim, when it is reduced once more
}

// places are ends in the output that the MBI extensions are placed by; zero
// for what is not there.
type places struct{ id, meta, extensions int }

// extension gives the place of the MBI extensions: before the end of the
// array, or after meta, or after the id.
func (p places) extension() (at int, within bool) {
	switch {
	case p.extensions != 0:
		return p.extensions - 1, true
	case p.meta != 0:
		return p.meta, false
	}
	return p.id, false
}

func (s *scanner) reset(in []byte) {
	s.in, s.pos, s.depth, s.fault = in, 0, 0, ""
	s.names, s.scratch, s.out = s.names[:0], s.scratch[:0], s.out[:0]
	s.places = places{}
	s.links.reset()
	s.facts.reset()
}

// fail notes the first fault.
func (s *scanner) fail(reason string, at int) {
	if s.fault == "" {
		s.fault, s.faultAt = reason, at
	}
	s.pos = len(s.in)
}

// peek passes over whitespace and gives the next byte; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.in); s.pos++ {
		if c := s.in[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// end tells that nothing may follow.
func (s *scanner) end() {
	if s.peek(); s.pos < len(s.in) {
		s.fail("there is more text after the claim", s.pos)
	}
}

// unexpected notes that something else must stand here.
func (s *scanner) unexpected(reason string) {
	if s.pos >= len(s.in) {
		reason = "the claim ends too early"
	}
	s.fail(reason, s.pos)
}

// value reads a field's value, keeps what n says of it (nil: nothing), and
// tells whether anything was kept.
func (s *scanner) value(n *node) bool {
	array := s.peek() == '['
	if n != nil && n.many != array {
		n = nil
	}
	if array {
		return s.array(n)
	}
	return s.single(n)
}

// single reads a value that, to be kept, must not be an array.
func (s *scanner) single(n *node) bool {
	switch s.peek() {
	case '{':
		return s.object(n)
	case '[':
		s.array(nil)
		return false
	case '"':
		return s.text(n)
	case 't':
		return s.literal("true", n.keeps(boolean))
	case 'f':
		return s.literal("false", n.keeps(boolean))
	case 'n':
		return s.literal("null", false)
	}
	return s.number(n.keeps(number))
}

// keeps tells whether values of a kind are kept.
func (n *node) keeps(s shape) bool { return n != nil && n.holds == s }

// open enters an object or an array.
func (s *scanner) open() {
	if s.depth++; s.depth > MaxDepth {
		s.fail("nested too deeply", s.pos)
		return
	}
	s.pos++
}

// array reads an array. Of an array of extensions, those are kept whose url
// is on the list.
func (s *scanner) array(n *node) bool {
	s.open()
	mark := len(s.out)
	if n != nil {
		s.out = append(s.out, '[')
	}
	for first := true; s.more(']', first); first = false {
		before := len(s.out)
		if before > mark+1 {
			s.out = append(s.out, ',')
		}
		if !s.single(s.member(n)) {
			s.out = s.out[:before]
		}
	}
	s.depth--
	if len(s.out) <= mark+1 {
		s.out = s.out[:mark]
		return false
	}
	s.out = append(s.out, ']')
	return true
}

// more passes over a comma, or over the end of an array or object and tells
// that it is the end.
func (s *scanner) more(end byte, first bool) bool {
	switch c := s.peek(); {
	case c == end:
		s.pos++
		return false
	case first && s.pos < len(s.in):
		return true
	case c == ',':
		s.pos++
		return true
	}
	s.unexpected("neither a comma nor the end")
	return false
}

// member says what is kept of the array's next member.
func (s *scanner) member(n *node) *node {
	if n == nil || n.byURL == nil {
		return n
	}
	if s.peek() != '{' {
		return nil
	}
	return n.byURL[string(s.url())]
}

// url looks ahead for the url of the extension that begins here. It mostly
// comes first; if not, the extension is read twice.
func (s *scanner) url() []byte {
	start := s.pos
	s.facts.url = nil
	s.pos++
	if s.peek() == '"' && string(s.string()) == "url" && s.colon() && s.peek() == '"' {
		s.facts.url = s.string()
	} else if s.fault == "" {
		s.pos = start
		s.object(&urlOnly)
	}
	if s.fault == "" {
		s.pos = start
	}
	return s.facts.url
}

// urlOnly tells the url of an extension. What it keeps is dropped again, as
// there is less of it than it asks for.
var urlOnly = node{fields: []field{{"url", &node{holds: text, tells: urlFact}}}, least: 2}

// object reads an object.
func (s *scanner) object(n *node) bool {
	s.open()
	mark, names, kept, has := len(s.out), len(s.names), 0, group(0)
	ids, refs := s.links.mark()
	if n != nil {
		s.out = append(s.out, '{')
		s.facts.begin(n.tells)
	}
	for first := true; s.more('}', first); first = false {
		name, raw := s.field(names)
		child := n.child(name)
		if child != nil && child.foreign {
			s.fail(s.facts.shape.reason, s.pos)
		}
		before := len(s.out)
		if child != nil {
			if kept > 0 {
				s.out = append(s.out, ',')
			}
			s.out = append(append(s.out, raw...), ':')
		}
		if !s.value(child) {
			s.out = s.out[:before]
			continue
		}
		kept++
		has |= child.gives
		s.place(child.tells)
	}
	s.names = s.names[:names]
	s.depth--
	if n == nil {
		return false
	}
	if !s.stays(n, kept, has) {
		s.out = s.out[:mark]
		s.links.cut(ids, refs)
		return false
	}
	s.out = append(s.out, '}')
	return true
}

// stays closes an object, and tells whether it is kept with what is kept of it.
func (s *scanner) stays(n *node, kept int, has group) bool {
	wanted := s.facts.end(n.tells)
	switch {
	case !wanted, kept < n.least, has&n.needs != n.needs:
		return false
	case n.tells == containedFact:
		return s.contains(s.facts.contained)
	}
	return true
}

// place notes where the output has the end of a field of the claim.
func (s *scanner) place(f fact) {
	switch f {
	case idFact:
		s.places.id = len(s.out)
	case metaFact:
		s.places.meta = len(s.out)
	case extensionsFact:
		s.places.extensions = len(s.out)
	}
}

// field reads a field's name and the colon. The name must be new among those
// of its object, which begin at from. raw is the name as it is written, with
// its quotes.
func (s *scanner) field(from int) (name, raw []byte) {
	if s.peek() != '"' {
		s.unexpected("a field's name must stand here")
		return nil, nil
	}
	start := s.pos
	name = s.string()
	raw = s.in[start:s.pos]
	if len(s.names)-from >= MaxFields {
		s.fail("an object with too many fields", start)
	}
	for _, other := range s.names[from:] {
		if string(other) == string(name) {
			s.fail("an object has two fields of the same name", start)
		}
	}
	s.names = append(s.names, name)
	s.colon()
	return name, raw
}

// colon passes over a colon and tells whether there is one.
func (s *scanner) colon() bool {
	if s.peek() != ':' {
		s.unexpected("a colon must stand here")
		return false
	}
	s.pos++
	return true
}
