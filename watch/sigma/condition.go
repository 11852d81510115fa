package sigma

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Bounds of one condition.
const (
	maxConditionBytes = 64 << 10
	maxConditionDepth = 64
	maxCombinations   = 1000 // and-groups that "N of" may become
)

type token struct {
	text string
	word bool // not a parenthesis
}

// tokenize splits a condition into words and parentheses.
func tokenize(s string) ([]token, error) {
	if len(s) > maxConditionBytes {
		return nil, fmt.Errorf("the condition is %d bytes long; at most %d are read", len(s), maxConditionBytes)
	}
	var out []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')':
			out = append(out, token{s[i : i+1], false})
			i++
		case c == '|':
			return nil, errAggregation(s[i+1:])
		case isWordByte(c):
			j := i
			for j < len(s) && isWordByte(s[j]) {
				j++
			}
			out = append(out, token{s[i:j], true})
			i = j
		default:
			return nil, fmt.Errorf("the condition has %q, which means nothing there: names are letters, digits, _ - . and, after of, *", s[i:min(i+1, len(s))])
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the condition is empty; write the name of a selection")
	}
	return out, nil
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-.*@", c) >= 0 || c >= 0x80
}

func errAggregation(rest string) error {
	word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	word, _, _ = strings.Cut(word, "(")
	instead := "event_count"
	switch word {
	case "near":
		instead = "temporal"
	case "sum", "avg":
		instead = "value_" + word
	case "count":
		instead = "event_count or value_count"
	case "min", "max":
		instead = "value_percentile"
	}
	return fmt.Errorf("the condition pipes into %q, which Sigma 2 took out: keep the part before | as this rule's condition, and add a correlation rule (correlation: type: %s, rules, group-by, timespan, condition)", word, instead)
}

// conditionParser reads: or < and < not < N of pattern < ( ). Operators count
// in any case.
type conditionParser struct {
	tokens []token
	depth  int
	named  func(name string) (Expr, error)
	names  []string // of all selections, in the order written
	total  int      // comparisons, counted as an evaluator meets them
}

// parseCondition turns one condition into an expression. named gives the
// meaning of a selection.
func parseCondition(s string, names []string, named func(string) (Expr, error)) (Expr, error) {
	tokens, err := tokenize(s)
	if err != nil {
		return nil, err
	}
	p := &conditionParser{tokens: tokens, named: named, names: names}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("the condition goes on with %q where and, or or its end should stand", p.tokens[0].text)
	}
	return e, nil
}

func (p *conditionParser) next(word string) bool {
	if len(p.tokens) > 0 && p.tokens[0].word && strings.EqualFold(p.tokens[0].text, word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *conditionParser) or() (Expr, error) {
	e, err := p.and()
	if err != nil {
		return nil, err
	}
	parts := Or{e}
	for p.next("or") {
		if e, err = p.and(); err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	return simplify(parts), nil
}

func (p *conditionParser) and() (Expr, error) {
	e, err := p.not()
	if err != nil {
		return nil, err
	}
	parts := And{e}
	for p.next("and") {
		if e, err = p.not(); err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	return simplify(parts), nil
}

func (p *conditionParser) not() (Expr, error) {
	if p.depth++; p.depth > maxConditionDepth {
		return nil, fmt.Errorf("the condition nests deeper than %d levels", maxConditionDepth)
	}
	defer func() { p.depth-- }()
	if p.next("not") {
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		return simplify(Not{e}), nil
	}
	return p.operand()
}

func (p *conditionParser) operand() (Expr, error) {
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("the condition ends where a selection should stand")
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	if t.text == "(" {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if len(p.tokens) == 0 || p.tokens[0].text != ")" {
			return nil, fmt.Errorf("a parenthesis is not closed in the condition")
		}
		p.tokens = p.tokens[1:]
		return e, nil
	}
	if t.text == ")" {
		return nil, fmt.Errorf("the condition closes a parenthesis where a selection should stand")
	}
	if len(p.tokens) > 0 && p.next("of") {
		return p.quantified(t.text)
	}
	switch strings.ToLower(t.text) {
	case "and", "or", "not", "of":
		return nil, fmt.Errorf("the condition has %q where a selection should stand", t.text)
	}
	if strings.Contains(t.text, "*") {
		return nil, fmt.Errorf("the condition names %q; a pattern needs a quantifier, such as 1 of %s", t.text, t.text)
	}
	return p.count(p.named(t.text))
}

// count bounds what selections that are named over and over add up to.
func (p *conditionParser) count(e Expr, err error) (Expr, error) {
	if err != nil {
		return nil, err
	}
	if p.total += comparisons(e, maxComparisons-p.total); p.total > maxComparisons {
		return nil, fmt.Errorf("the condition asks for more than %d comparisons", maxComparisons)
	}
	return e, nil
}

func (p *conditionParser) quantified(count string) (Expr, error) {
	if len(p.tokens) == 0 || !p.tokens[0].word {
		return nil, fmt.Errorf("the condition says %q of nothing: write them, or a pattern such as selection*", count)
	}
	pattern := p.tokens[0].text
	p.tokens = p.tokens[1:]
	var parts []Expr
	for _, name := range p.names {
		if !selects(pattern, name) {
			continue
		}
		e, err := p.named(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("the condition asks for %s of %s, and no selection has such a name", count, pattern)
	}
	switch strings.ToLower(count) {
	case "all":
		return p.count(simplify(And(parts)), nil)
	case "any", "1":
		return p.count(simplify(Or(parts)), nil)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("the condition has %q before of; write all, any, or a number from 1", count)
	}
	if n > len(parts) {
		return nil, fmt.Errorf("the condition asks for %d of %s, and only %d selections have such a name", n, pattern, len(parts))
	}
	groups, err := atLeast(n, parts)
	if err != nil {
		return nil, err
	}
	if _, err := p.count(groups, nil); err != nil {
		return nil, err
	}
	for i := range groups {
		groups[i] = simplify(groups[i])
	}
	return simplify(groups), nil
}

// selects tells whether a quantifier's pattern means the selection. Those
// that begin with _ must be named by a pattern that does, too; the parts of a
// filter, which begin with @, likewise.
func selects(pattern, name string) bool {
	if (name[0] == '_' || name[0] == '@') && pattern[0] != name[0] {
		return false
	}
	if strings.EqualFold(pattern, "them") {
		return true
	}
	ok, err := path.Match(pattern, name) // of its signs a word can hold only *
	return ok && err == nil
}

// atLeast writes "n of parts hold" as an Or of Ands.
func atLeast(n int, parts []Expr) (Or, error) {
	combinations := 1
	for i := range n {
		if combinations = combinations * (len(parts) - i) / (i + 1); combinations > maxCombinations {
			return nil, fmt.Errorf("the condition's %d of %d selections has too many combinations; at most %d are made", n, len(parts), maxCombinations)
		}
	}
	var out Or
	group := make(And, 0, n)
	var choose func(from int)
	choose = func(from int) {
		if len(group) == n {
			out = append(out, append(And(nil), group...))
			return
		}
		for i := from; i <= len(parts)-(n-len(group)); i++ {
			group = append(group, parts[i])
			choose(i + 1)
			group = group[:len(group)-1]
		}
	}
	choose(0)
	return out, nil
}

// simplify joins nested Ands and Ors, takes single parts out, removes double
// negations, and decides what is constant. Its parts are simplified already.
func simplify(e Expr) Expr {
	switch e := e.(type) {
	case Not:
		switch of := e.Of.(type) {
		case Not:
			return of.Of
		case And:
			if len(of) == 0 {
				return Or{}
			}
		case Or:
			if len(of) == 0 {
				return And{}
			}
		}
		return e
	case And:
		var out And
		for _, part := range e {
			switch part := part.(type) {
			case And:
				out = append(out, part...)
			case Or:
				if len(part) == 0 {
					return Or{}
				}
				out = append(out, part)
			default:
				out = append(out, part)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case Or:
		var out Or
		for _, part := range e {
			switch part := part.(type) {
			case Or:
				out = append(out, part...)
			case And:
				if len(part) == 0 {
					return And{}
				}
				out = append(out, part)
			default:
				out = append(out, part)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	}
	return e
}

// comparisons counts the leaves of e, up to limit.
func comparisons(e Expr, limit int) int {
	var parts []Expr
	switch e := e.(type) {
	case And:
		parts = e
	case Or:
		parts = e
	case Not:
		return comparisons(e.Of, limit)
	case *Match:
		return 1
	}
	n := 0
	for _, part := range parts {
		if n += comparisons(part, limit-n); n > limit {
			break
		}
	}
	return n
}
