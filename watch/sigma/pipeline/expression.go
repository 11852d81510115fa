package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// expression is a condition expression: names of conditions joined by and, or,
// not and parentheses.
type expression func(holds func(name string) bool) bool

// parseExpression reads an expression over the names, and returns which of
// them it uses. As in pySigma, not binds closest and or least.
func parseExpression(text string, names []string) (expression, []string, error) {
	p := &expressionParser{names: names, tokens: expressionTokens(text)}
	if len(p.tokens) > maxTokens {
		return nil, nil, fmt.Errorf("more than %d words", maxTokens)
	}
	e, err := p.or(0)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("unexpected %q", p.tokens[0])
	}
	return e, p.used, err
}

const maxTokens = 1000

type expressionParser struct {
	tokens, names, used []string
}

func expressionTokens(text string) []string {
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	return strings.FieldsFunc(text, unicode.IsSpace)
}

// next takes the token if it is the word.
func (p *expressionParser) next(word string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *expressionParser) or(depth int) (expression, error) {
	left, err := p.and(depth)
	for err == nil && p.next("or") {
		a := left
		var b expression
		b, err = p.and(depth)
		left = func(h func(string) bool) bool { return a(h) || b(h) }
	}
	return left, err
}

func (p *expressionParser) and(depth int) (expression, error) {
	left, err := p.not(depth)
	for err == nil && p.next("and") {
		a := left
		var b expression
		b, err = p.not(depth)
		left = func(h func(string) bool) bool { return a(h) && b(h) }
	}
	return left, err
}

func (p *expressionParser) not(depth int) (expression, error) {
	if depth > maxNest {
		return nil, fmt.Errorf("more than %d levels", maxNest)
	}
	if p.next("not") {
		of, err := p.not(depth + 1)
		return func(h func(string) bool) bool { return !of(h) }, err
	}
	if p.next("(") {
		e, err := p.or(depth + 1)
		if err == nil && !p.next(")") {
			err = fmt.Errorf("a ) is missing")
		}
		return e, err
	}
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("a name is missing at the end")
	}
	name := p.tokens[0]
	if !slices.Contains(p.names, name) {
		return nil, fmt.Errorf("no condition is named %q", name)
	}
	p.tokens = p.tokens[1:]
	p.used = append(p.used, name)
	return func(h func(string) bool) bool { return h(name) }, nil
}
