// Package indicator owns sets of indicators of compromise: building them from
// plain values, compiling them into a small immutable Set, and finding which
// of them a record hits. It refuses to read any feed's format (that is the
// package feed beneath it) and to keep a set anywhere but in memory.
package indicator

import (
	"time"

	"borj.dev/borj/watch/observable"
)

// Match is how a term's value is compared with an observable of its kind.
type Match uint8

const (
	// Exact: the canonical forms are equal.
	Exact Match = iota
	// CIDR: Value is a prefix such as 192.0.2.0/24 that holds the address.
	// Bits beyond the prefix are ignored. For IPv4 and IPv6.
	CIDR
	// Subdomains: the name itself or any name beneath it. Value is the name,
	// without "*.". For Domain.
	Subdomains
	// URLPrefix: the URL begins with Value, which must reach at least to the
	// slash after the host (Canonical adds that slash). For URL.
	URLPrefix
	// Substring: the observable contains Value, whatever the case.
	Substring
	// Like: STIX 2.1 §9.6.1 LIKE over the whole observable: % stands for any
	// run of characters, _ for any one.
	Like
	// Regexp: STIX MATCHES. Value is in the syntax of Go's regexp package and
	// need not match the whole observable.
	Regexp
)

// Term is one comparison.
type Term struct {
	Kind  observable.Kind
	Match Match
	// Value is what observable.Canonical returns for Exact, Subdomains and
	// URLPrefix; for the other kinds of match, see there. The Builder refuses
	// what it cannot use, and makes canonical what is not.
	Value string
	// Role limits an address to one side of a connection
	// (network-traffic:src_ref.value, dst_ref.value). AnyRole does not.
	Role observable.Role
}

// Indicator is one indicator in plain form. Whoever reads a feed makes one at
// a time and adds it to a Builder, which keeps no reference to it.
//
// It holds when Term holds and every term of And holds in the same record. A
// pattern with OR becomes one Indicator for each alternative, all with the
// same ID: a record that fulfils several of them hits once.
type Indicator struct {
	Term
	And []Term

	// ID is the identity that the source gave (a STIX id, a MISP attribute's
	// UUID). It stays empty where the source gives none, as in plain lists: the
	// hit then gets an id made from kind and value. An id for each of millions
	// costs memory; none costs nothing.
	ID string

	// Modified says which version of ID this is (STIX 2.1 §3.6). Once a newer one
	// was added, of whatever feed, older ones do not count; indicators of the
	// same version all do. Revoked withdraws this version and all before it, and
	// is no indicator itself. A zero time is no version. Versions are known of
	// the first 4,000,000 ids that have them; beyond, all are kept.
	Modified time.Time
	Revoked  bool

	// Pattern is the STIX pattern as written. The hit prints it as the value
	// where And is not empty, and it is not kept otherwise.
	Pattern string

	// What follows is kept once for all indicators that agree on it.
	Source     string // the feed: a file name, a producer
	Confidence int    // 0 to 100, and -1 where the source gives none
	TLP        string // clear, green, amber, amber+strict, red; empty if unknown
	Name       string // a title for people, if the source gives one
	// The indicator holds for records from ValidFrom on and before ValidUntil.
	// A zero time does not bound.
	ValidFrom, ValidUntil time.Time
}

// Warninglist is a list of values that are no evil, in plain form (MISP
// warninglist format). An indicator that it names is suppressed.
type Warninglist struct {
	Name string
	// Type is string, substring, hostname, cidr or regex.
	Type   string
	Values []string
	// Kinds are the kinds of indicator that the list is about (MISP's
	// matching_attributes). The zero value is every kind.
	Kinds observable.Kinds
}
