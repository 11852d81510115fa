package sigma

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxAlternatives bounds how many values one value may become (windash,
// base64offset).
const maxAlternatives = 3125 // five dashes, five ways each

// maxWildcards bounds the parts of one pattern, literal and wildcard.
const maxWildcards = 1000

// operand is one value on its way through the modifiers. It is text (parts)
// until a type modifier makes it something else (match).
type operand struct {
	kind  ValueKind
	raw   string // as the rule writes it
	parts []GlobPart
	match *Match // nil while it is text
}

// item is an Item on its way through its modifiers. Each value becomes one or
// more alternatives.
type item struct {
	*Item
	res     *resolver
	values  [][]operand
	applied []string
	linkAll bool
	negated bool
	cased   bool
	flags   string // of the regular expression
	partial bool   // contains, startswith or endswith was applied
	offsets bool   // base64offset was
}

// modifiers are the value modifiers of the specification's appendix, and the
// long names that pySigma gives the flags.
var modifiers = map[string]func(*item, string) error{
	"all":        func(it *item, _ string) error { it.linkAll = true; return nil },
	"neq":        func(it *item, _ string) error { it.negated = true; return nil },
	"cased":      applyCased,
	"contains":   applyPartial,
	"startswith": applyPartial,
	"endswith":   applyPartial,
	"base64":     applyEncoding, "base64offset": applyEncoding,
	"utf16": applyEncoding, "utf16le": applyEncoding, "utf16be": applyEncoding, "wide": applyEncoding,
	"windash": applyEncoding,
	"re":      applyRegexp,
	"i":       applyFlag, "ignorecase": applyFlag,
	"m": applyFlag, "multiline": applyFlag,
	"s": applyFlag, "dotall": applyFlag,
	"cidr":     applyCIDR,
	"exists":   applyExists,
	"expand":   func(*item, string) error { return nil }, // was done to the text, before its wildcards were read
	"fieldref": applyFieldRef,
	"lt":       applyOrdering, "lte": applyOrdering, "gt": applyOrdering, "gte": applyOrdering,
	"minute": applyTimePart, "hour": applyTimePart, "day": applyTimePart,
	"week": applyTimePart, "month": applyTimePart, "year": applyTimePart,
}

func (src *Item) name() string {
	name := strings.Join(append([]string{src.Field}, src.Modifiers...), "|")
	if name == "" {
		return "keywords"
	}
	return name
}

// item turns one item into an expression: its values, changed by each modifier
// in turn, and linked.
func (res *resolver) item(src *Item) (Expr, error) {
	it := &item{Item: src, res: res}
	if len(src.Values) == 0 {
		return nil, fmt.Errorf("the list of values is empty; write null for a field that is absent, '' for one that is empty")
	}
	for _, v := range src.Values {
		if v.Kind == StringValue && slices.Contains(src.Modifiers, "expand") {
			texts, err := expandText(v.Text, nil) // Load has put values for placeholders
			if err != nil {
				return nil, err
			}
			v.Text = texts[0]
		}
		op := operand{kind: v.Kind, raw: v.Text}
		switch v.Kind {
		case StringValue:
			if op.parts = parseWildcards(v.Text); len(op.parts) > maxWildcards {
				return nil, fmt.Errorf("the value %q has more than %d parts between its wildcards", shorten(v.Text), maxWildcards)
			}
		case NullValue:
			if src.Field == "" {
				return nil, fmt.Errorf("null needs a field; keywords are text")
			}
		default:
			op.parts = []GlobPart{{Literal, v.Text}}
		}
		it.values = append(it.values, []operand{op})
		if err := res.spend(v.Text, 1); err != nil {
			return nil, err
		}
	}
	for _, m := range src.Modifiers {
		apply, ok := modifiers[m]
		if !ok {
			return nil, fmt.Errorf("unknown modifier %q", m)
		}
		if err := apply(it, m); err != nil {
			return nil, err
		}
		it.applied = append(it.applied, m)
	}
	return it.expr()
}

// expr links what the modifiers left.
func (it *item) expr() (Expr, error) {
	values := make([]Expr, 0, len(it.values))
	for _, alternatives := range it.values {
		var or Or
		for _, op := range alternatives {
			m, err := it.matchOf(op)
			if err != nil {
				return nil, err
			}
			or = append(or, m)
		}
		values = append(values, simplify(or))
	}
	var e Expr = Or(values)
	if it.linkAll {
		e = And(values)
	}
	e = simplify(e)
	if it.negated {
		e = simplify(Not{e})
	}
	return e, nil
}

// compile makes the regular expression, once its flags are known.
func (it *item) compile(m *Match) (*Match, error) {
	re, cost, err := compileRegexp(m.Text, it.flags)
	if err != nil {
		return nil, err
	}
	if it.res.instructions += cost; it.res.instructions > maxInstructions {
		return nil, fmt.Errorf("the rule's regular expressions together are too costly: more than %d steps", maxInstructions)
	}
	m.Text, m.Regexp = "", re
	return m, nil
}

// matchOf returns the comparison that an alternative has become.
func (it *item) matchOf(op operand) (Expr, error) {
	switch {
	case op.match != nil && op.match.Op == OpRegexp:
		return it.compile(op.match)
	case op.match != nil:
		return op.match, nil
	case op.kind == NullValue:
		return &Match{Field: it.Field, Op: OpNull}, nil
	case it.Field != "" && anyValue(op.parts):
		return Not{&Match{Field: it.Field, Op: OpNull}}, nil
	}
	// Keywords stand anywhere in a value, and so does what base64offset finds.
	if it.Field == "" && !it.partial || it.offsets && !it.partial {
		op.parts = surround(op.parts, "contains")
	}
	return globMatch(it.Field, op.parts, it.cased), nil
}

// anyValue tells whether the pattern is a lone *, which asks only that the
// field has a value, be it an object.
func anyValue(parts []GlobPart) bool {
	parts = tidy(parts)
	return len(parts) == 1 && parts[0].Kind == Many
}

// each applies f to every alternative of every value. What f returns takes
// the alternative's place.
func (it *item) each(f func(operand) ([]operand, error)) error {
	for i, alternatives := range it.values {
		var out []operand
		for _, op := range alternatives {
			ops, err := f(op)
			if err != nil {
				return err
			}
			if out = append(out, ops...); len(out) > maxAlternatives {
				return fmt.Errorf("the value %q has more than %d variants", shorten(op.raw), maxAlternatives)
			}
			if err := it.res.spend(op.raw, len(ops)-1); err != nil {
				return err
			}
		}
		it.values[i] = out
	}
	return nil
}

// text refuses what is not text to the modifier.
func (it *item) text(op operand, modifier string) error {
	switch {
	case op.match != nil:
		return fmt.Errorf("%s works on text and cannot follow %s", modifier, strings.Join(it.applied, "|"))
	case op.kind == NullValue:
		return fmt.Errorf("%s works on text, and the value is null; null needs a selection of its own", modifier)
	}
	return nil
}

// first refuses a type modifier that follows one that changed the value.
func (it *item) first(modifier string) error {
	for _, m := range it.applied {
		if m != "all" && m != "neq" && m != "expand" {
			return fmt.Errorf("%s must be the first modifier, because it gives the value as written another meaning; it follows %s", modifier, m)
		}
	}
	return nil
}

func applyCased(it *item, _ string) error {
	it.cased = true
	return it.each(func(op operand) ([]operand, error) {
		if op.match != nil && op.match.Op == OpFieldRef {
			op.match.Cased = true
			return []operand{op}, nil
		}
		if op.match != nil && op.match.Op == OpRegexp {
			return nil, fmt.Errorf("cased changes nothing: a regular expression minds the case unless |i is given")
		}
		return []operand{op}, it.text(op, "cased")
	})
}

func surround(parts []GlobPart, modifier string) []GlobPart {
	parts = slices.Clone(parts)
	if modifier != "startswith" {
		parts = slices.Insert(parts, 0, GlobPart{Kind: Many})
	}
	if modifier != "endswith" {
		parts = append(parts, GlobPart{Kind: Many})
	}
	return parts
}

func applyPartial(it *item, modifier string) error {
	it.partial = true
	return it.each(func(op operand) ([]operand, error) {
		switch {
		case op.match != nil && op.match.Op == OpRegexp:
			switch modifier {
			case "startswith":
				op.match.Text = `\A(?:` + op.match.Text + `)`
			case "endswith":
				op.match.Text = `(?:` + op.match.Text + `)\z`
			}
			return []operand{op}, nil
		case op.match != nil && op.match.Op == OpFieldRef:
			op.match.RefOp = map[string]Op{"contains": OpContains, "startswith": OpStartsWith, "endswith": OpEndsWith}[modifier]
			return []operand{op}, nil
		}
		if err := it.text(op, modifier); err != nil {
			return nil, err
		}
		op.parts = surround(op.parts, modifier)
		return []operand{op}, nil
	})
}

func applyRegexp(it *item, modifier string) error {
	if err := it.first(modifier); err != nil {
		return err
	}
	return it.each(func(op operand) ([]operand, error) {
		if err := it.text(op, modifier); err != nil {
			return nil, err
		}
		op.match = &Match{Field: it.Field, Op: OpRegexp, Text: op.raw}
		return []operand{op}, nil
	})
}

func applyFlag(it *item, modifier string) error {
	for _, alternatives := range it.values {
		for _, op := range alternatives {
			if op.match == nil || op.match.Op != OpRegexp {
				return fmt.Errorf("%s is a flag of regular expressions and must follow re", modifier)
			}
		}
	}
	flag := map[string]string{"ignorecase": "i", "multiline": "m", "dotall": "s"}[modifier]
	if flag == "" {
		flag = modifier
	}
	if !strings.Contains(it.flags, flag) {
		it.flags += flag
	}
	return nil
}

func applyCIDR(it *item, modifier string) error {
	if err := it.first(modifier); err != nil {
		return err
	}
	return it.each(func(op operand) ([]operand, error) {
		if err := it.text(op, modifier); err != nil {
			return nil, err
		}
		prefix, err := parsePrefix(op.raw)
		if err != nil {
			return nil, err
		}
		op.match = &Match{Field: it.Field, Op: OpCIDR, Prefix: prefix}
		return []operand{op}, nil
	})
}

// parsePrefix reads a network, or an address alone. Bits beyond the prefix are
// cleared, and IPv4 written as IPv6 becomes IPv4, as values do.
func parsePrefix(s string) (netip.Prefix, error) {
	bad := fmt.Errorf("%q is no network; write it like 192.168.0.0/16 or fe80::/10", s)
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, bad
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, bad
	}
	if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

func applyExists(it *item, modifier string) error {
	if err := it.first(modifier); err != nil {
		return err
	}
	if it.Field == "" {
		return fmt.Errorf("exists needs a field")
	}
	if len(it.values) > 1 {
		return fmt.Errorf("exists takes one value, true or false")
	}
	return it.each(func(op operand) ([]operand, error) {
		if op.kind == BoolValue || op.kind == StringValue {
			switch strings.ToLower(op.raw) {
			case "true":
				op.match = &Match{Field: it.Field, Op: OpExists}
				return []operand{op}, nil
			case "false":
				it.negated = !it.negated
				op.match = &Match{Field: it.Field, Op: OpExists}
				return []operand{op}, nil
			}
		}
		return nil, fmt.Errorf("exists takes true or false, and the value is %q", op.raw)
	})
}

func applyFieldRef(it *item, modifier string) error {
	if err := it.first(modifier); err != nil {
		return err
	}
	if it.Field == "" {
		return fmt.Errorf("fieldref needs a field to compare with")
	}
	return it.each(func(op operand) ([]operand, error) {
		if err := it.text(op, modifier); err != nil {
			return nil, err
		}
		name := ""
		for _, p := range op.parts {
			if p.Kind != Literal {
				return nil, fmt.Errorf("fieldref names a field and takes no wildcards: %q", op.raw)
			}
			name += p.Text
		}
		if name == "" {
			return nil, fmt.Errorf("fieldref names no field")
		}
		op.match = &Match{Field: it.Field, Op: OpFieldRef, RefOp: OpEquals, Text: name}
		return []operand{op}, nil
	})
}

func applyOrdering(it *item, modifier string) error {
	order := map[string]Op{"lt": OpLess, "lte": OpLessEqual, "gt": OpGreater, "gte": OpGreaterEqual}[modifier]
	return it.each(func(op operand) ([]operand, error) {
		if op.match != nil && op.match.Part != WholeValue && op.match.Op == OpEquals {
			op.match.Op = order
			return []operand{op}, nil
		}
		if err := it.first(modifier); err != nil {
			return nil, err
		}
		x, err := it.number(op, modifier)
		if err != nil {
			return nil, err
		}
		op.match = &Match{Field: it.Field, Op: order, Number: x}
		return []operand{op}, nil
	})
}

func (it *item) number(op operand, modifier string) (float64, error) {
	x, ok := ParseNumber([]byte(op.raw))
	if !ok || op.match != nil || op.kind == NullValue || op.kind == BoolValue {
		return 0, fmt.Errorf("%s compares numbers, and the value %q is none", modifier, op.raw)
	}
	if it.Field == "" {
		return 0, fmt.Errorf("%s needs a field", modifier)
	}
	return x, nil
}

func applyTimePart(it *item, modifier string) error {
	if err := it.first(modifier); err != nil {
		return err
	}
	part := map[string]TimePart{"minute": Minute, "hour": Hour, "day": Day, "week": Week, "month": Month, "year": Year}[modifier]
	return it.each(func(op operand) ([]operand, error) {
		x, err := it.number(op, modifier)
		if err != nil {
			return nil, err
		}
		op.match = &Match{Field: it.Field, Op: OpEquals, Part: part, Number: x}
		return []operand{op}, nil
	})
}
