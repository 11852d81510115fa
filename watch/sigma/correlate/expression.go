package correlate

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Bounds of an extended condition: its length in bytes, how deep it nests,
// and how many alternatives it comes to.
const (
	maxExpression = 16 << 10
	maxNesting    = 64
	maxTerms      = 1024
)

// term is one way in which an extended condition holds: every rule of present
// is seen, and none of absent. Bits are indexes in correlation.rules.
type term struct{ present, absent uint64 }

// parseExpression reads an extended condition: rule names joined by and, or
// and not (in any case; not binds tightest, or loosest) and parentheses. index
// gives the place of a rule name, or an error. The result is the condition's
// disjunctive form without redundant terms.
func parseExpression(s string, index func(name string) (int, error)) ([]term, error) {
	if len(s) > maxExpression {
		return nil, fmt.Errorf("the condition is longer than %d bytes", maxExpression)
	}
	p := &expressionParser{words: splitExpression(s), index: index}
	terms, err := p.or(false, 0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.words) {
		return nil, fmt.Errorf("the condition goes on with %.60q after its end", p.words[p.at])
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("the condition can never hold")
	}
	return terms, nil
}

// expressionNames returns the names that the condition mentions, in order.
func expressionNames(s string) []string {
	var names []string
	seen := map[string]bool{}
	for _, w := range splitExpression(s) {
		switch strings.ToLower(w) {
		case "and", "or", "not", "(", ")":
			continue
		}
		if !seen[w] {
			seen[w] = true
			names = append(names, w)
		}
	}
	return names
}

func splitExpression(s string) []string {
	var words []string
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\t', '\n', '\r':
			i++
		case '(', ')':
			words = append(words, s[i:i+1])
			i++
		default:
			j := i
			for j < len(s) && !strings.ContainsRune(" \t\n\r()", rune(s[j])) {
				j++
			}
			words = append(words, s[i:j])
			i = j
		}
	}
	return words
}

// expressionParser reads by recursive descent and builds the disjunctive form
// as it goes. negate says that an odd number of nots stands outside.
type expressionParser struct {
	words []string
	at    int
	index func(string) (int, error)
}

func (p *expressionParser) peek() string {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return ""
}

func (p *expressionParser) take(word string) bool {
	if strings.EqualFold(p.peek(), word) {
		p.at++
		return true
	}
	return false
}

func (p *expressionParser) or(negate bool, depth int) ([]term, error) {
	return p.chain("or", negate, negate, depth, p.and)
}

func (p *expressionParser) and(negate bool, depth int) ([]term, error) {
	return p.chain("and", negate, !negate, depth, p.not)
}

// chain reads operands joined by word. both says that they must all hold.
func (p *expressionParser) chain(word string, negate, both bool, depth int, operand func(bool, int) ([]term, error)) ([]term, error) {
	terms, err := operand(negate, depth)
	for err == nil && p.take(word) {
		var next []term
		if next, err = operand(negate, depth); err != nil {
			break
		}
		if both {
			terms, err = product(terms, next)
		} else {
			terms, err = reduce(append(terms, next...))
		}
	}
	return terms, err
}

func (p *expressionParser) not(negate bool, depth int) ([]term, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the condition nests deeper than %d levels", maxNesting)
	}
	if p.take("not") {
		return p.not(!negate, depth+1)
	}
	if p.take("(") {
		terms, err := p.or(negate, depth+1)
		if err == nil && !p.take(")") {
			err = fmt.Errorf("the condition lacks a closing parenthesis")
		}
		return terms, err
	}
	word := p.peek()
	switch strings.ToLower(word) {
	case "":
		return nil, fmt.Errorf("the condition ends where a rule name is needed")
	case ")", "and", "or":
		return nil, fmt.Errorf("the condition has %q where a rule name is needed", word)
	}
	p.at++
	i, err := p.index(word)
	if err != nil {
		return nil, err
	}
	if negate {
		return []term{{absent: 1 << i}}, nil
	}
	return []term{{present: 1 << i}}, nil
}

func product(a, b []term) ([]term, error) {
	if len(a)*len(b) > maxTerms*maxTerms {
		return nil, errTerms()
	}
	out := make([]term, 0, min(len(a)*len(b), maxTerms))
	for _, x := range a {
		for _, y := range b {
			z := term{x.present | y.present, x.absent | y.absent}
			if z.present&z.absent == 0 && !slices.Contains(out, z) {
				out = append(out, z)
			}
			if len(out) > maxTerms {
				return nil, errTerms()
			}
		}
	}
	return reduce(out)
}

func errTerms() error {
	return fmt.Errorf("the condition comes to more than %d alternatives: split the correlation", maxTerms)
}

// reduce drops the terms that a weaker one includes.
func reduce(terms []term) ([]term, error) {
	if len(terms) > 2*maxTerms {
		return nil, errTerms()
	}
	weight := func(t term) int { return bits.OnesCount64(t.present) + bits.OnesCount64(t.absent) }
	slices.SortStableFunc(terms, func(a, b term) int { return weight(a) - weight(b) })
	out := terms[:0]
next:
	for _, t := range terms {
		for _, o := range out {
			if o.present&^t.present == 0 && o.absent&^t.absent == 0 {
				continue next
			}
		}
		out = append(out, t)
	}
	if len(out) > maxTerms {
		return nil, errTerms()
	}
	return out, nil
}
