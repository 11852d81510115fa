// Package pattern owns the text of STIX patterns: it reads the whole STIX 2.1
// patterning language (§9) into a plain tree, checks what a reader of the text
// alone can check, and writes the tree back in one canonical form. It refuses
// to evaluate: what a pattern means for observed data, or for a record, is
// decided by those who hold the data.
package pattern

import (
	"fmt"
	"time"
)

// Observation is one observation expression: *Single, *Join or *Qualified.
type Observation interface {
	fmt.Stringer
	observation()
}

// Single is [ comparison ]: one observation must satisfy the comparison.
type Single struct{ Expr Comparison }

// Join joins at least two observation expressions, in the order written.
type Join struct {
	Op Operator // And, Or, FollowedBy
	Of []Observation
}

// Qualified limits an observation expression, which is itself not Qualified.
// Each qualifier applies to what stands before it: the first is the innermost.
type Qualified struct {
	Of Observation
	By []Qualifier // at least one
}

// Qualifier is Within, Repeats or StartStop.
type Qualifier interface {
	fmt.Stringer
	qualifier()
}

// Within asks that all observations lie within that many seconds (> 0).
type Within struct{ Seconds float64 }

// Repeats asks for that many distinct matches (≥ 1).
type Repeats struct{ Times int64 }

// StartStop asks that all observations lie in [Start, Stop). Nothing lies there
// when Stop is not after Start, which is allowed and never matches.
type StartStop struct{ Start, Stop Constant }

// Comparison is what stands in brackets: *Logic or *Test.
type Comparison interface {
	fmt.Stringer
	comparison()
}

// Logic joins at least two comparisons, in the order written.
type Logic struct {
	Op Operator // And, Or
	Of []Comparison
}

// Test is one property test.
type Test struct {
	Path   Path
	Not    bool
	Op     Operator
	Values []Constant // none for Exists, any number for In, otherwise one
}

// Path names a property: file:hashes.'SHA-256'.
type Path struct {
	Type  string // the object type
	Steps []Step // at least one, the first a key
}

// Step is one step of a Path.
type Step struct {
	Kind  StepKind
	Key   string
	Index int64
}

// StepKind tells the steps of a path apart.
type StepKind uint8

// The steps of a path: .key, [3], [*].
const (
	Key StepKind = iota
	Index
	AnyIndex
)

// Operator is a comparison, boolean or observation operator.
type Operator uint8

// The operators of the language.
const (
	Equal Operator = iota + 1
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	In
	Like
	Matches
	IsSubset
	IsSuperset
	Exists
	And
	Or
	FollowedBy
)

var operatorText = [...]string{
	Equal: "=", NotEqual: "!=", Less: "<", LessOrEqual: "<=", Greater: ">", GreaterOrEqual: ">=",
	In: "IN", Like: "LIKE", Matches: "MATCHES", IsSubset: "ISSUBSET", IsSuperset: "ISSUPERSET", Exists: "EXISTS",
	And: "AND", Or: "OR", FollowedBy: "FOLLOWEDBY",
}

func (op Operator) String() string { return operatorText[op] }

// ConstantKind tells the types of constants apart.
type ConstantKind uint8

// The types of constants.
const (
	String ConstantKind = iota + 1
	Integer
	Float
	Boolean
	Binary    // b'…', base64
	Hex       // h'…'
	Timestamp // t'…'
)

// Constant is a value to compare with. Constants can be compared with ==.
type Constant struct {
	Kind ConstantKind
	Text string // String: decoded. Binary and Hex: the bytes. Timestamp: as written, without quotes
	Int  int64
	Flt  float64
	Bool bool
}

// Time returns the instant of a Timestamp. The language lets through days that
// no calendar has (30 February) and leap seconds; those are errors here, except
// that second 60 is read as the second after 59.
func (c Constant) Time() (time.Time, error) {
	text, leap := c.Text, false
	if len(text) > 19 && text[17:19] == "60" {
		text, leap = text[:17]+"59"+text[19:], true
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("the timestamp t'%s' is no instant: %w", c.Text, err)
	}
	if leap {
		t = t.Add(time.Second)
	}
	return t, nil
}

func (*Single) observation()    {}
func (*Join) observation()      {}
func (*Qualified) observation() {}
func (Within) qualifier()       {}
func (Repeats) qualifier()      {}
func (StartStop) qualifier()    {}
func (*Logic) comparison()      {}
func (*Test) comparison()       {}

// Error says at which byte of a pattern reading stopped, and why.
type Error struct {
	Offset int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }
