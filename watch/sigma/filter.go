package sigma

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFilters bounds how many filters one rule may have.
const maxFilters = 100

// Filter is a Sigma filter: a condition that it adds to rules with and.
type Filter struct {
	ID, Title, Description string
	LogSource              LogSource
	Rules                  []string // ids or names; empty: every rule of the log source
	Detection              Detection
	File                   string
	Line                   int
}

// filter reads a filter document.
func (r *reader) filter(m mapping) *Filter {
	f := &Filter{ID: r.scalar(m, "id"), Title: r.scalar(m, "title"), Description: r.scalar(m, "description")}
	r.require(m, "title", "a filter needs a title")
	f.LogSource = r.logSource(m, "a filter")
	at, _ := m.get("filter")
	body := r.mapping(at.value, "filter")
	f.Detection = r.detection(m, "filter")
	if len(f.Detection.Conditions) > 1 {
		r.fail(f.Detection.Line, "a filter takes one condition")
	}
	rules, ok := body.get("rules")
	if !ok {
		r.fail(at.line, "a filter needs rules: a list of rule ids or names, or any")
		return f
	}
	f.Rules = r.strings(body, "rules")
	switch {
	case len(f.Rules) == 1 && (strings.EqualFold(f.Rules[0], "any") || strings.EqualFold(f.Rules[0], "all")):
		f.Rules = nil
	case len(f.Rules) == 0 && (rules.value.Kind != yaml.SequenceNode):
		r.fail(rules.line, "a filter needs rules: a list of rule ids or names, or any")
	}
	return f
}

// fits tells whether what the filter says of the log source the rule says too.
func (f *Filter) fits(r *Rule) bool {
	same := func(filter, rule string) bool { return filter == "" || strings.EqualFold(filter, rule) }
	return same(f.LogSource.Category, r.LogSource.Category) &&
		same(f.LogSource.Product, r.LogSource.Product) &&
		same(f.LogSource.Service, r.LogSource.Service)
}

// among returns the rules that the filter names, each once; all of them when
// it names none.
func (f *Filter) among(all []*Rule, names names) []*Rule {
	if len(f.Rules) == 0 {
		return all
	}
	var out []*Rule
	for _, ref := range f.Rules {
		rules, _ := names.find(ref)
		out = append(out, rules...)
	}
	slices.SortFunc(out, func(a, b *Rule) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(out)
}

// check expands the filter's placeholders, and says what is wrong with it.
func (f *Filter) check(placeholders map[string][]string) error {
	r := Rule{Detection: f.Detection}
	err := expandRule(&r, placeholders)
	if err == nil {
		_, err = r.Resolve()
	}
	return err
}

// join adds the filter to the rule, as its nth from 1: the filter's selections under
// names of their own, and its condition to each of the rule's.
func (f *Filter) join(r *Rule, n int) error {
	prefix := fmt.Sprintf("@filter%d.", n)
	condition, err := renameWords(f.Detection.Conditions[0], prefix)
	if err != nil {
		return err
	}
	for _, s := range f.Detection.Selections {
		r.Detection.Selections = append(r.Detection.Selections, Selection{prefix + s.Name, cloneNode(s.Node), s.Line})
	}
	for i, c := range r.Detection.Conditions {
		if n == 1 {
			c = "(" + c + ")"
		}
		r.Detection.Conditions[i] = c + " and (" + condition + ")"
	}
	return nil
}

// renameWords puts prefix before every selection and pattern of a condition.
func renameWords(condition, prefix string) (string, error) {
	tokens, err := tokenize(condition)
	if err != nil {
		return "", err
	}
	var out []string
	for i, t := range tokens {
		quantifier := i+1 < len(tokens) && strings.EqualFold(tokens[i+1].text, "of")
		switch word := strings.ToLower(t.text); {
		case !t.word || quantifier || word == "and" || word == "or" || word == "not" || word == "of":
			out = append(out, t.text)
		case word == "them":
			out = append(out, prefix+"*")
		default:
			out = append(out, prefix+t.text)
		}
	}
	return strings.Join(out, " "), nil
}
