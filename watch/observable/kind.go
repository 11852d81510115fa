// Package observable owns what can be observed in a record and compared with
// an indicator: the kinds of observable, their canonical forms, and which
// field of which format carries which kind. It refuses to know indicators, and
// to judge what it finds.
package observable

import (
	"fmt"
	"strings"
)

// Kind is what sort of thing an observable is. Values of different kinds are
// never equal, whatever their text.
type Kind uint8

// The kinds, with the STIX 2.1 §6 property that each one is.
const (
	None            Kind = iota
	IPv4                 // ipv4-addr:value
	IPv6                 // ipv6-addr:value
	Domain               // domain-name:value
	URL                  // url:value
	Email                // email-addr:value
	MD5                  // file:hashes.MD5
	SHA1                 // file:hashes.'SHA-1'
	SHA256               // file:hashes.'SHA-256'
	SHA512               // file:hashes.'SHA-512'
	Imphash              // the MD5 of a PE file's imports
	JA3                  // the MD5 of a TLS client hello
	JA3S                 // the MD5 of a TLS server hello
	JA4                  // JA4 TLS client fingerprint
	CertSHA1             // x509-certificate:hashes.'SHA-1'
	CertSHA256           // x509-certificate:hashes.'SHA-256'
	CertSubject          // x509-certificate:subject
	CertIssuer           // x509-certificate:issuer
	CertSerial           // x509-certificate:serial_number
	FileName             // file:name, without its directory
	RegistryKey          // windows-registry-key:key
	UserAgent            // network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'
	CommandLine          // process:command_line
	SourcePort           // network-traffic:src_port
	DestinationPort      // network-traffic:dst_port
	kindCount
)

var kindNames = [kindCount]string{
	"none", "ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr",
	"file:hashes.MD5", "file:hashes.'SHA-1'", "file:hashes.'SHA-256'", "file:hashes.'SHA-512'", "file:hashes.IMPHASH",
	"ja3", "ja3s", "ja4",
	"x509-certificate:hashes.'SHA-1'", "x509-certificate:hashes.'SHA-256'",
	"x509-certificate:subject", "x509-certificate:issuer", "x509-certificate:serial_number",
	"file:name", "windows-registry-key", "user-agent", "process:command_line",
	"network-traffic:src_port", "network-traffic:dst_port",
}

// String returns the name of the kind as hits print it.
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ParseKind returns the kind that String names, whatever the case.
func ParseKind(name string) (Kind, error) {
	for k := IPv4; k < kindCount; k++ {
		if strings.EqualFold(kindNames[k], name) {
			return k, nil
		}
	}
	return None, fmt.Errorf("no kind of observable is called %q", name)
}

// Kinds is a set of kinds.
type Kinds uint32

// AllKinds holds every kind.
const AllKinds Kinds = 1<<kindCount - 2

// KindsOf returns the set of the given kinds.
func KindsOf(kinds ...Kind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has tells whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s>>k&1 != 0 }

// Role is the side of a connection that an address was seen on.
type Role uint8

// The roles. An address that is no end of a connection (a DNS answer) has none.
const (
	AnyRole Role = iota
	Source
	Destination
)
