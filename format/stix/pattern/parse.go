package pattern

import (
	"fmt"
	"strings"
)

// Limits of one pattern. Real patterns stay far below: the largest lists are
// ten thousand alternatives of about 60 bytes.
const (
	MaxLength = 4 << 20 // bytes
	MaxDepth  = 64      // parentheses inside one another
	MaxNodes  = 200_000 // constants, steps of paths, and qualifiers together
)

// Options choose between the readings of the language.
type Options struct {
	// Strict reads STIX 2.1 alone. Otherwise what older writers still send is
	// accepted too: START and STOP with plain strings (STIX 2.0), and REPEATS n
	// TIMES REPEATS m TIMES as the whole of a pattern about one observation,
	// which OASIS's matcher reads as n × m although §9.5 allows each qualifier
	// once.
	Strict bool
}

const standsTwice = " stands twice on one observation; each qualifier is allowed once"

// Parse reads a pattern. The error is an *Error.
func Parse(text string, opt Options) (Observation, error) {
	if len(text) > MaxLength {
		return nil, &Error{MaxLength, fmt.Sprintf("the pattern has %d bytes; at most %d are read", len(text), MaxLength)}
	}
	p := &parser{lex: lexer{text: text}, opt: opt, repeatedTwice: -1}
	if err := p.advance(); err != nil {
		return nil, err
	}
	o, err := p.followed()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.expected("AND, OR, FOLLOWEDBY, WITHIN, REPEATS, START or the end of the pattern")
	}
	if _, joined := o.(*Join); p.repeatedTwice >= 0 && (opt.Strict || joined) {
		return nil, &Error{p.repeatedTwice, "REPEATS" + standsTwice}
	}
	return o, nil
}

type parser struct {
	lex           lexer
	tok           token
	opt           Options
	depth         int
	nodes         int
	repeatedTwice int // where REPEATS stands twice outside parentheses, else -1
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) expected(what string) error {
	return &Error{p.tok.offset, fmt.Sprintf("expected %s, found %s", what, p.tok)}
}

func (p *parser) is(text string) bool {
	return (p.tok.kind == tokSymbol || p.tok.kind == tokKeyword) && p.tok.text == text
}

// take reads a symbol or keyword that must stand here.
func (p *parser) take(text string) error {
	if !p.is(text) {
		return p.expected(text)
	}
	return p.advance()
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return &Error{p.tok.offset, fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
	}
	return nil
}

func (p *parser) count() error {
	if p.nodes++; p.nodes > MaxNodes {
		return &Error{p.tok.offset, fmt.Sprintf("more than %d constants, path steps and qualifiers", MaxNodes)}
	}
	return nil
}

// Precedence of observation operators: AND, then OR, then FOLLOWEDBY.
func (p *parser) followed() (Observation, error) { return p.joined(FollowedBy) }

func (p *parser) joined(op Operator) (Observation, error) {
	operand := p.qualified
	switch op {
	case FollowedBy:
		operand = func() (Observation, error) { return p.joined(Or) }
	case Or:
		operand = func() (Observation, error) { return p.joined(And) }
	}
	first, err := operand()
	if err != nil || p.tok.kind != tokKeyword || p.tok.op != op {
		return first, err
	}
	j := &Join{Op: op, Of: []Observation{first}}
	for p.tok.kind == tokKeyword && p.tok.op == op {
		if err := p.advance(); err != nil {
			return nil, err
		}
		o, err := operand()
		if err != nil {
			return nil, err
		}
		j.Of = append(j.Of, o)
	}
	return j, nil
}

func (p *parser) qualified() (Observation, error) {
	bare := p.is("[")
	o, err := p.observation()
	if err != nil {
		return nil, err
	}
	var by []Qualifier
	seen := ""
	for p.is("WITHIN") || p.is("REPEATS") || p.is("START") {
		word := p.tok.text
		if bare && strings.Contains(seen, word) {
			if word != "REPEATS" || p.depth > 0 {
				return nil, &Error{p.tok.offset, word + standsTwice}
			}
			p.repeatedTwice = p.tok.offset
		}
		seen += word
		if err := p.count(); err != nil {
			return nil, err
		}
		q, err := p.qualifier()
		if err != nil {
			return nil, err
		}
		by = append(by, q)
	}
	if len(by) == 0 {
		return o, nil
	}
	if inner, ok := o.(*Qualified); ok { // ([x] A) B is ([x]) A B
		inner.By = append(inner.By, by...)
		return inner, nil
	}
	return &Qualified{Of: o, By: by}, nil
}

func (p *parser) observation() (Observation, error) {
	switch {
	case p.is("["):
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.logic(Or)
		if err != nil {
			return nil, err
		}
		return &Single{Expr: c}, p.take("]")
	case p.is("("):
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		if err := p.advance(); err != nil {
			return nil, err
		}
		o, err := p.followed()
		if err != nil {
			return nil, err
		}
		return o, p.take(")")
	}
	return nil, p.expected("[ or (")
}

func (p *parser) qualifier() (Qualifier, error) {
	word := p.tok.text
	if err := p.advance(); err != nil {
		return nil, err
	}
	v := p.tok.value
	switch word {
	case "WITHIN":
		seconds := v.Flt
		if v.Kind == Integer {
			seconds = float64(v.Int)
		}
		if v.Kind != Integer && v.Kind != Float || seconds <= 0 {
			return nil, p.expected("a number of seconds above 0")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return Within{seconds}, p.take("SECONDS")
	case "REPEATS":
		if v.Kind != Integer || v.Int < 1 {
			return nil, p.expected("a number of times, at least 1")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return Repeats{v.Int}, p.take("TIMES")
	}
	start, err := p.instant()
	if err != nil {
		return nil, err
	}
	if err := p.take("STOP"); err != nil {
		return nil, err
	}
	stop, err := p.instant()
	return StartStop{start, stop}, err
}

// instant reads t'…', and STIX 2.0's '…'.
func (p *parser) instant() (Constant, error) {
	v := p.tok.value
	if v.Kind == String && !p.opt.Strict && isTimestamp(v.Text) {
		v.Kind = Timestamp
	}
	if v.Kind != Timestamp {
		return Constant{}, p.expected("a timestamp such as t'2026-01-31T23:59:59Z'")
	}
	return v, p.advance()
}

// logic reads comparisons; AND binds closer than OR.
func (p *parser) logic(op Operator) (Comparison, error) {
	operand := p.test
	if op == Or {
		operand = func() (Comparison, error) { return p.logic(And) }
	}
	first, err := operand()
	if err != nil || p.tok.kind != tokKeyword || p.tok.op != op {
		return first, err
	}
	l := &Logic{Op: op, Of: []Comparison{first}}
	for p.tok.kind == tokKeyword && p.tok.op == op {
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := operand()
		if err != nil {
			return nil, err
		}
		l.Of = append(l.Of, c)
	}
	return l, nil
}

func (p *parser) test() (Comparison, error) {
	if p.is("(") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.logic(Or)
		if err != nil {
			return nil, err
		}
		return c, p.take(")")
	}
	t := &Test{}
	if p.is("EXISTS") {
		t.Op = Exists
		if err := p.advance(); err != nil {
			return nil, err
		}
		var err error
		t.Path, err = p.path()
		return t, err
	}
	at := p.tok.offset
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	t.Path = path
	if p.is("NOT") {
		t.Not = true
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if err := p.operatorAndValues(t); err != nil {
		return nil, err
	}
	if reason := wrongHash(t); reason != "" {
		return nil, &Error{at, reason}
	}
	return t, nil
}

func (p *parser) operatorAndValues(t *Test) error {
	t.Op = p.tok.op
	switch {
	case p.tok.kind == tokOperator:
	case p.tok.kind == tokKeyword && t.Op >= In && t.Op <= IsSuperset:
	default:
		return p.expected("=, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET or ISSUPERSET")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if t.Op == In {
		return p.set(t)
	}
	v := p.tok.value
	switch {
	case p.tok.kind != tokConstant:
		return p.expected("a constant: 'text', 12, 1.5, true, b'…', h'…' or t'…'")
	case t.Op > In && v.Kind != String:
		return p.expected("a string after " + t.Op.String())
	case t.Op >= Less && t.Op <= GreaterOrEqual && v.Kind == Boolean:
		return p.expected("a constant that has an order")
	}
	t.Values = []Constant{v}
	if err := p.count(); err != nil {
		return err
	}
	return p.advance()
}

func (p *parser) set(t *Test) error {
	if err := p.take("("); err != nil {
		return err
	}
	for !p.is(")") {
		if len(t.Values) > 0 {
			if !p.is(",") {
				return p.expected(", or )")
			}
			if err := p.advance(); err != nil {
				return err
			}
		}
		if p.tok.kind != tokConstant {
			return p.expected("a constant")
		}
		t.Values = append(t.Values, p.tok.value)
		if err := p.count(); err != nil {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	return p.advance()
}

func (p *parser) path() (Path, error) {
	if p.tok.kind != tokName {
		return Path{}, p.expected("an object path such as file:name")
	}
	path := Path{Type: p.tok.text}
	if err := p.advance(); err != nil {
		return path, err
	}
	if err := p.take(":"); err != nil {
		return path, err
	}
	if err := p.key(&path); err != nil {
		return path, err
	}
	for {
		switch {
		case p.is("."):
			if err := p.advance(); err != nil {
				return path, err
			}
			if err := p.key(&path); err != nil {
				return path, err
			}
		case p.is("["):
			if err := p.index(&path); err != nil {
				return path, err
			}
		default:
			return path, nil
		}
	}
}

func (p *parser) key(path *Path) error {
	step := Step{Kind: Key, Key: p.tok.text}
	switch {
	case p.tok.kind == tokConstant && p.tok.value.Kind == String:
		step.Key = p.tok.value.Text
	case p.tok.kind == tokName && plainName(step.Key):
	case p.tok.kind == tokName:
		return p.expected("a property; one with a hyphen stands in quotes")
	default:
		return p.expected("a property")
	}
	path.Steps = append(path.Steps, step)
	if err := p.count(); err != nil {
		return err
	}
	return p.advance()
}

func (p *parser) index(path *Path) error {
	if err := p.advance(); err != nil {
		return err
	}
	step := Step{Kind: AnyIndex}
	if !p.is("*") {
		if p.tok.kind != tokConstant || p.tok.value.Kind != Integer {
			return p.expected("an index or *")
		}
		step = Step{Kind: Index, Index: p.tok.value.Int}
	}
	path.Steps = append(path.Steps, step)
	if err := p.count(); err != nil {
		return err
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.take("]")
}
