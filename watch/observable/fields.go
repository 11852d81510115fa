package observable

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"borj.dev/borj/watch/record"
)

//go:embed fields.txt
var fieldsText string

// reading is one way of reading a value.
type reading uint8

const (
	readNothing reading = iota
	readAddress
	readHost
	readDomain
	readURL
	readURLHost
	readURLPath
	readEmail
	readOne // the kind of the plan says which
	readHash
	readHashes
	readCertificate
	readRegistryValue
	readAddresses
	readAny
)

// readings gives each word of fields.txt its meaning and the kinds it may yield.
var readings = map[string]step{
	"address":          {read: readAddress, kinds: KindsOf(IPv4, IPv6)},
	"host":             {read: readHost, kinds: KindsOf(IPv4, IPv6, Domain)},
	"domain":           {read: readDomain, kinds: KindsOf(Domain)},
	"url":              {read: readURL, kinds: KindsOf(URL, IPv4, IPv6, Domain)},
	"url-host":         {read: readURLHost, kinds: KindsOf(URL)},
	"url-path":         {read: readURLPath, kinds: KindsOf(URL)},
	"email":            {read: readEmail, kinds: KindsOf(Email)},
	"md5":              one(MD5),
	"sha1":             one(SHA1),
	"sha256":           one(SHA256),
	"sha512":           one(SHA512),
	"imphash":          one(Imphash),
	"ja3":              one(JA3),
	"ja3s":             one(JA3S),
	"ja4":              one(JA4),
	"subject":          one(CertSubject),
	"issuer":           one(CertIssuer),
	"serial":           one(CertSerial),
	"file-name":        one(FileName),
	"registry-key":     one(RegistryKey),
	"user-agent":       one(UserAgent),
	"command-line":     one(CommandLine),
	"source-port":      one(SourcePort),
	"destination-port": one(DestinationPort),
	"hash":             {read: readHash, kinds: KindsOf(MD5, SHA1, SHA256, SHA512)},
	"hashes":           {read: readHashes, kinds: KindsOf(MD5, SHA1, SHA256, SHA512, Imphash)},
	"certificate":      {read: readCertificate, kinds: KindsOf(CertSHA1, CertSHA256)},
	"registry-value":   {read: readRegistryValue, kinds: KindsOf(RegistryKey)},
	"addresses":        {read: readAddresses, kinds: KindsOf(IPv4, IPv6, Domain)},
	"any":              {read: readAny, kinds: AllKinds},
}

func one(k Kind) step { return step{read: readOne, kind: k, kinds: KindsOf(k)} }

// step is one reading of one field.
type step struct {
	read  reading
	kind  Kind // of readOne
	role  Role
	kinds Kinds // what it may yield
}

// plan is everything that one field is read for.
type plan []step

// formatCount is the number of formats.
const formatCount = int(record.FormatCSV) + 1

// table holds the plans of every format by field name.
type table [formatCount]map[string]plan

// fields is the table of fields.txt.
var fields = sync.OnceValue(func() *table {
	t, err := parseFields(fieldsText)
	if err != nil {
		panic(err) // a test reads the file
	}
	return t
})

func parseFields(text string) (*table, error) {
	formats := map[string]record.Format{}
	t := new(table)
	for f := range t {
		formats[record.Format(f).String()] = record.Format(f)
		t[f] = map[string]plan{}
	}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		format, ok := formats[words[0]]
		if !ok || len(words) < 3 {
			return nil, fmt.Errorf("fields.txt:%d: a line is a format, a field and how it is read", i+1)
		}
		if t[format][words[1]] != nil {
			return nil, fmt.Errorf("fields.txt:%d: %s %s stands there twice", i+1, words[0], words[1])
		}
		var p plan
		for _, w := range words[2:] {
			name, side, _ := strings.Cut(w, "@")
			s, ok := readings[name]
			if !ok {
				return nil, fmt.Errorf("fields.txt:%d: %q is no way to read a field", i+1, name)
			}
			switch side {
			case "":
			case "source":
				s.role = Source
			case "destination":
				s.role = Destination
			default:
				return nil, fmt.Errorf("fields.txt:%d: %q is no side", i+1, side)
			}
			p = append(p, s)
		}
		t[format][words[1]] = p
	}
	for name, p := range t[record.FormatJSON] {
		t[record.FormatCSV][name] = p
	}
	return t, nil
}

// others is the order in which a field of any JSON or of CSV is looked up in
// the tables of the formats proper.
var others = [...]record.Format{record.FormatEVE, record.FormatWindows, record.FormatCloudTrail, record.FormatAudit, record.FormatZeek}

// planOf returns how a field that is reachable under names is read.
func (t *table) planOf(format record.Format, names []string) plan {
	for _, n := range names {
		if p := t[format][n]; p != nil {
			return p
		}
	}
	if format != record.FormatJSON && format != record.FormatCSV {
		return nil
	}
	for _, f := range others {
		for _, n := range names {
			if p := t[f][n]; p != nil {
				return p
			}
		}
	}
	return byShape
}

var byShape = plan{readings["any"]}
