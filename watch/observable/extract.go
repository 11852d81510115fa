package observable

import (
	"bytes"

	"borj.dev/borj/watch/record"
)

// Observable is one value of a record that an indicator could name.
type Observable struct {
	Kind  Kind
	Role  Role
	Field int32  // index into Record.Fields
	Value []byte // canonical
}

// MaxObservables bounds the observables of one record. What it has beyond them
// is passed over.
const MaxObservables = 1 << 16

// overflowBudget bounds the bytes read again in one record to name fields that
// the path table had no room for. Past it they are read by shape.
const overflowBudget = 1 << 20

// Extractor finds the observables of records. Each worker has one; it is not
// safe for concurrent use. All records it is given share one path table.
type Extractor struct {
	want  Kinds
	table *table
	plans [formatCount][]uint8 // by PathID: index into steps, 0 where unknown
	steps []plan
	buf   []byte
	host  []byte // of the URL being put together
}

// unread is the plan of fields that carry nothing.
const unread = 1

// NewExtractor returns an Extractor of the wanted kinds.
func NewExtractor(want Kinds) *Extractor {
	return &Extractor{want: want, table: fields(), steps: make([]plan, unread+1, 64)}
}

// Extract appends the observables of rec to dst, in the order of its fields.
// Their values refer to rec.Raw or to memory of the Extractor, and hold until
// its next call.
func (e *Extractor) Extract(rec *record.Record, dst []Observable) []Observable {
	e.buf, e.host = e.buf[:0], nil
	plans := e.plans[rec.Format]
	start := len(dst)
	path := int32(-1)
	budget := overflowBudget
	for i := range rec.Fields {
		f := &rec.Fields[i]
		n := uint8(0)
		if int(f.Path) < len(plans) {
			n = plans[f.Path]
		}
		if n == unread || f.Kind < record.Number || f.Kind == record.Empty || len(dst)-start >= MaxObservables {
			continue
		}
		if f.Path == record.Overflow {
			dst = e.overflow(rec, int32(i), &budget, dst)
			continue
		}
		if n == 0 {
			n = e.resolve(rec, f)
			plans = e.plans[rec.Format]
		}
		v := e.value(rec, f)
		if len(v) == 0 || len(v) > MaxLength {
			continue
		}
		for _, s := range e.steps[n] {
			if s.read == readURLPath {
				path = int32(i)
				continue
			}
			dst = e.read(int32(i), v, s, dst)
		}
	}
	if path >= 0 && len(e.host) > 0 {
		dst = e.joinURL(rec, path, dst)
	}
	return dst
}

// resolve finds the plan of a field met for the first time in its format.
func (e *Extractor) resolve(rec *record.Record, f *record.Field) uint8 {
	n := uint8(unread)
	if p := e.wanted(e.table.planOf(rec.Format, rec.NamesOf(f))); len(p) > 0 {
		n = e.number(p)
	}
	known := e.plans[rec.Format]
	for int(f.Path) >= len(known) {
		known = append(known, 0)
	}
	known[f.Path] = n
	e.plans[rec.Format] = known
	return n
}

// wanted leaves the steps that may yield a wanted kind.
func (e *Extractor) wanted(p plan) plan {
	var out plan
	for _, s := range p {
		if s.kinds&e.want != 0 {
			out = append(out, s)
		}
	}
	return out
}

// number returns the index of p among the plans in use. fields.txt has fewer
// different ones than a byte counts, which a test holds.
func (e *Extractor) number(p plan) uint8 {
	for i, q := range e.steps {
		if i > unread && equalPlans(p, q) {
			return uint8(i)
		}
	}
	e.steps = append(e.steps, p)
	return uint8(len(e.steps) - 1)
}

func equalPlans(a, b plan) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// overflow reads a field that the path table had no room for.
func (e *Extractor) overflow(rec *record.Record, i int32, budget *int, dst []Observable) []Observable {
	f := &rec.Fields[i]
	p := byShape
	if *budget -= int(f.Start); *budget >= 0 {
		p = e.table.planOf(rec.Format, rec.NamesOf(f))
	}
	v := e.value(rec, f)
	if len(v) == 0 || len(v) > MaxLength {
		return dst
	}
	for _, s := range p {
		if s.kinds&e.want != 0 && s.read != readURLPath && s.read != readURLHost {
			dst = e.read(i, v, s, dst)
		}
	}
	return dst
}

// value returns the value of f, decoded.
func (e *Extractor) value(rec *record.Record, f *record.Field) []byte {
	if f.Kind <= record.Text {
		return rec.Raw[f.Start:f.End]
	}
	v, buf := rec.Bytes(f, e.buf)
	e.buf = buf
	return v
}

// read appends what one reading of v, the value of field i, yields.
func (e *Extractor) read(i int32, v []byte, s step, dst []Observable) []Observable {
	switch s.read {
	case readAddress:
		if isIPv4(v) { // nearly all are
			if e.want.Has(IPv4) {
				dst = append(dst, Observable{IPv4, s.role, i, v})
			}
			return dst
		}
		return e.address(s.role, i, v, dst)
	case readDomain:
		value, buf, err := domain(v, e.buf)
		if e.buf = buf; err == nil {
			dst = append(dst, Observable{Domain, s.role, i, value})
		}
		return dst
	case readOne:
		return e.add(s.kind, s.role, i, v, dst)
	case readHost:
		return e.hostOf(s.role, i, v, dst)
	case readURL:
		return e.url(i, v, dst)
	case readURLHost:
		e.host = v
	case readEmail:
		return e.emails(i, v, dst)
	case readHash:
		return e.hash(i, v, dst)
	case readHashes:
		return e.hashes(i, v, dst)
	case readCertificate:
		kind := CertSHA1
		if len(v) >= 64 {
			kind = CertSHA256
		}
		return e.add(kind, s.role, i, v, dst)
	case readRegistryValue:
		dst = e.add(RegistryKey, s.role, i, v, dst)
		if cut := bytes.LastIndexByte(v, '\\'); cut > 0 {
			dst = e.add(RegistryKey, s.role, i, v[:cut], dst)
		}
	case readAddresses:
		return e.addresses(i, v, dst)
	case readAny:
		return e.any(i, v, dst)
	}
	return dst
}

func (e *Extractor) add(kind Kind, role Role, i int32, v []byte, dst []Observable) []Observable {
	if !e.want.Has(kind) {
		return dst
	}
	value, buf, err := appendCanonical(kind, v, e.buf)
	e.buf = buf
	if err != nil {
		return dst
	}
	return append(dst, Observable{kind, role, i, value})
}

func (e *Extractor) address(role Role, i int32, v []byte, dst []Observable) []Observable {
	kind, value, buf, err := address(v, e.buf)
	e.buf = buf
	if err != nil || !e.want.Has(kind) {
		return dst
	}
	return append(dst, Observable{kind, role, i, value})
}

func (e *Extractor) hostOf(role Role, i int32, v []byte, dst []Observable) []Observable {
	kind, value, buf, err := host(v, e.buf)
	e.buf = buf
	if err != nil || !e.want.Has(kind) {
		return dst
	}
	return append(dst, Observable{kind, role, i, value})
}

// url reads a whole URL, and its host. A path alone is none: joinURL completes
// it with the host of the same record.
func (e *Extractor) url(i int32, v []byte, dst []Observable) []Observable {
	if v[0] == '/' || bytes.IndexByte(v, '/') < 0 && bytes.IndexByte(v, '.') < 0 {
		return dst
	}
	value, buf, err := url(v, e.buf)
	e.buf = buf
	if err != nil {
		return dst
	}
	if e.want.Has(URL) {
		dst = append(dst, Observable{URL, AnyRole, i, value})
	}
	return e.hostOf(AnyRole, i, urlHost(value), dst)
}

// joinURL makes a URL of the host and the path that stand in two fields.
func (e *Extractor) joinURL(rec *record.Record, path int32, dst []Observable) []Observable {
	target := e.value(rec, &rec.Fields[path])
	if len(target) == 0 || target[0] != '/' || len(target) > MaxLength {
		return dst
	}
	n := len(e.buf)
	buf, err := appendJoined(e.buf, e.host, target)
	if e.buf = buf; err != nil || len(buf)-n > MaxLength {
		return dst
	}
	return append(dst, Observable{URL, AnyRole, path, buf[n:]})
}

// emails finds every address in a header such as "A <a@b.example>, c@d.example".
func (e *Extractor) emails(i int32, v []byte, dst []Observable) []Observable {
	for at := 0; at < len(v); at++ {
		if v[at] != '@' {
			continue
		}
		start, end := at, at+1
		for start > 0 && isMailByte(v[start-1]) {
			start--
		}
		for end < len(v) && nameClass[v[end]] != bad {
			end++
		}
		dst = e.add(Email, AnyRole, i, bytes.Trim(v[start:end], "'."), dst)
		at = end - 1
	}
	return dst
}

func (e *Extractor) hash(i int32, v []byte, dst []Observable) []Observable {
	if kind := hashOfLength(len(v)); kind != None {
		return e.add(kind, AnyRole, i, v, dst)
	}
	return dst
}

// hashes reads Sysmon's list. A bare hash is told by its length.
func (e *Extractor) hashes(i int32, v []byte, dst []Observable) []Observable {
	for len(v) > 0 {
		part := v
		if j := bytes.IndexByte(v, ','); j >= 0 {
			part, v = v[:j], v[j+1:]
		} else {
			v = nil
		}
		j := bytes.IndexByte(part, '=')
		if j < 0 {
			dst = e.hash(i, bytes.TrimSpace(part), dst)
			continue
		}
		var kind Kind
		switch name := bytes.TrimSpace(part[:j]); {
		case bytes.EqualFold(name, []byte("SHA256")):
			kind = SHA256
		case bytes.EqualFold(name, []byte("SHA1")):
			kind = SHA1
		case bytes.EqualFold(name, []byte("MD5")):
			kind = MD5
		case bytes.EqualFold(name, []byte("IMPHASH")):
			kind = Imphash
		default:
			continue
		}
		if digits := bytes.TrimSpace(part[j+1:]); len(bytes.Trim(digits, "0")) > 0 { // zeros: there was none
			dst = e.add(kind, AnyRole, i, digits, dst)
		}
	}
	return dst
}

// addresses reads Sysmon's QueryResults: "type:  5 a.example;::ffff:192.0.2.1;".
func (e *Extractor) addresses(i int32, v []byte, dst []Observable) []Observable {
	for len(v) > 0 {
		part := v
		if j := bytes.IndexByte(v, ';'); j >= 0 {
			part, v = v[:j], v[j+1:]
		} else {
			v = nil
		}
		part = bytes.TrimSpace(part)
		if j := bytes.LastIndexByte(part, ' '); j >= 0 {
			part = part[j+1:]
		}
		if len(part) > 0 && string(part) != "-" {
			dst = e.hostOf(AnyRole, i, part, dst)
		}
	}
	return dst
}

// any reads a value by its shape.
func (e *Extractor) any(i int32, v []byte, dst []Observable) []Observable {
	switch kind := shape(v); kind {
	case None:
		return dst
	case IPv4, IPv6:
		return e.address(AnyRole, i, v, dst)
	case URL:
		return e.url(i, v, dst)
	default:
		return e.add(kind, AnyRole, i, v, dst)
	}
}
