package sigma

import (
	"net/netip"
	"regexp"
)

// Expr is what a rule asks of one record, with nothing of Sigma's writing left
// in it: modifiers are applied, selections and quantifiers expanded, filters
// joined, fields named as the record names them. It is one of And, Or, Not
// and *Match. An empty And is true, an empty Or is false.
type Expr interface{ expr() }

// And is true when all of its parts are.
type And []Expr

// Or is true when one of its parts is.
type Or []Expr

// Not is true when its part is not.
type Not struct{ Of Expr }

func (And) expr()    {}
func (Or) expr()     {}
func (Not) expr()    {}
func (*Match) expr() {}

// Op is how a Match compares.
type Op uint8

// A comparison looks at every value that the field has in the record, and
// holds when it holds for one of them. Numbers, true and false are compared
// as the text the record writes. Unless Match.Cased is set, text is compared
// after Fold.
const (
	OpEquals       Op = iota // the whole value is Text
	OpContains               // Text stands somewhere in it
	OpStartsWith             // it begins with Text
	OpEndsWith               // it ends with Text
	OpGlob                   // it fits Glob as a whole
	OpRegexp                 // Regexp matches somewhere in it (the value as it is, not folded)
	OpCIDR                   // it is an address inside Prefix
	OpLess                   // it is a number < Number
	OpLessEqual              // <=
	OpGreater                // >
	OpGreaterEqual           // >=
	OpExists                 // the field is in the record, whatever its value, or a field beneath it
	OpNull                   // the field is not in the record, or a value of it is null
	OpFieldRef               // it compares, by RefOp, with a value of the field named Text
)

// TimePart takes one part out of a value that is a time, before OpEquals
// (against Number) and the four orderings compare it.
type TimePart uint8

// The parts of a time, in UTC.
const (
	WholeValue TimePart = iota // not a time: compare the value itself
	Minute
	Hour
	Day  // of the month
	Week // ISO 8601
	Month
	Year
)

// Match is one comparison. Two equal comparisons have equal Keys.
type Match struct {
	Field  string // a name as record.Paths.Names gives it; "" means any value of the record (keywords)
	Op     Op
	Cased  bool
	Text   string         // folded already, unless Cased
	Glob   []GlobPart     // OpGlob
	Regexp *regexp.Regexp // OpRegexp; flags are in the expression
	Prefix netip.Prefix   // OpCIDR
	Number float64        // the orderings, and OpEquals with a TimePart
	Part   TimePart
	RefOp  Op // OpFieldRef: OpEquals, OpContains, OpStartsWith or OpEndsWith
}

// GlobPart is literal text, one free byte sequence (Many) or one free
// character (One). Two Many never follow each other.
type GlobPart struct {
	Kind GlobKind
	Text string // folded already, unless Match.Cased
}

// GlobKind tells the three parts of a wildcard pattern apart.
type GlobKind uint8

// The three parts.
const (
	Literal GlobKind = iota
	Many             // *
	One              // ?
)
