package record

import (
	"bytes"
	"errors"
)

// Linux audit records as auditd writes them (audit_logging, auditd.conf(5)):
//
//	type=EXECVE msg=audit(1604996384.965:93777): argc=2 a0="dd" a1=2F746D70
//
// A value is "quoted" (no escapes), 'nested' pairs, or bare. Fields that hold
// untrusted text are quoted, or written as hexadecimal digits when the text
// holds a quote, a space or a control character.

var errNotAudit = errors.New("not an audit record: no type=… msg=audit(…)")

// auditLines turns lines of an audit log into records. It lives as long as a
// chunk, which bounds how many names it remembers.
type auditLines struct {
	fl    *Flattener
	paths map[string]auditPath
}

type auditPath struct {
	id   PathID
	name string
}

func newAuditLines(fl *Flattener) *auditLines {
	return &auditLines{fl: fl, paths: map[string]auditPath{}}
}

// auditStart finds the first key of an audit record: what syslog wrote before
// it does not belong to it. It is negative when the line is no audit record.
func auditStart(line []byte) int {
	head := line[:min(len(line), 512)]
	stamp := bytes.Index(head, []byte("msg=audit("))
	if stamp < 0 {
		return -1
	}
	head = head[:stamp]
	kind := lastKey(head, "type=")
	if kind < 0 {
		return -1
	}
	if node := lastKey(head[:kind], "node="); node >= 0 {
		return node
	}
	return kind
}

func lastKey(s []byte, key string) int {
	i := bytes.LastIndex(s, []byte(key))
	if i > 0 && s[i-1] != ' ' {
		return -1
	}
	return i
}

// read returns the record of one line.
func (a *auditLines) read(raw []byte) (*Record, error) {
	if err := a.fl.beginText(raw, FormatAudit, nil); err != nil {
		return nil, err
	}
	i := auditStart(raw)
	if i < 0 {
		return nil, errNotAudit
	}
	raw = bytes.TrimRight(raw, "\n")
	kind := raw[:0]
	for i < len(raw) {
		if raw[i] == ' ' || raw[i] == 0x1d || raw[i] == ',' || raw[i] == '\'' { // 0x1d parts the enriched names
			i++
			continue
		}
		keyStart := i
		for i < len(raw) && raw[i] != '=' && raw[i] != ' ' && raw[i] != 0x1d {
			i++
		}
		if i == len(raw) || raw[i] != '=' {
			continue // a word without a value, such as the text of old records
		}
		key := raw[keyStart:i]
		i++
		start, end, next := auditValue(raw, i)
		if err := a.add(key, kind, start, end); err != nil {
			return nil, err
		}
		if string(key) == "type" && len(kind) == 0 {
			kind = raw[start:end]
		}
		i = next
	}
	return &a.fl.rec, nil
}

// auditValue finds the value that begins at i, and where to go on. The pairs
// within '…' are fields of the record too, so reading goes on inside them.
func auditValue(raw []byte, i int) (start, end, next int) {
	if i < len(raw) && (raw[i] == '"' || raw[i] == '\'') {
		if n := bytes.IndexByte(raw[i+1:], raw[i]); n >= 0 {
			end := i + 1 + n
			if raw[i] == '\'' && bytes.IndexByte(raw[i+1:end], '=') >= 0 {
				return i + 1, end, i + 1
			}
			return i + 1, end, end + 1
		}
	}
	end = i
	for end < len(raw) && raw[end] != ' ' && raw[end] != 0x1d && raw[end] != '\'' {
		end++
	}
	next = end
	if bytes.HasPrefix(raw[i:end], []byte("audit(")) && raw[end-1] == ':' {
		end--
	}
	return i, end, next
}

// add appends one pair.
func (a *auditLines) add(key, recordType []byte, start, end int) error {
	name := key
	if i := bytes.IndexByte(key, '['); i > 0 && key[len(key)-1] == ']' {
		name = key[:i] // a1[0] is a part of a1
	}
	path, ok := a.paths[string(name)]
	if !ok {
		text := string(name)
		path = auditPath{a.fl.paths.Child(root, text), text}
		a.paths[text] = path
	}
	raw := a.fl.rec.Raw
	v := raw[start:end]
	quoted := start > 0 && (raw[start-1] == '"' || raw[start-1] == '\'')
	kind := Text
	switch {
	case quoted:
	case string(v) == "(null)":
		kind = Null
	case hexEncoded(name, recordType) && isHexText(v):
		kind = HexText
	case isJSONNumber(v):
		kind = Number
	}
	return a.fl.addText(path.id, path.name, start, end, kind)
}

// hexEncoded tells whether auditd may write the field in hexadecimal digits:
// those that its field dictionary calls encoded. The arguments of EXECVE are;
// those of SYSCALL are numbers.
func hexEncoded(name, recordType []byte) bool {
	switch string(name) {
	case "proctitle", "comm", "exe", "name", "cwd", "key", "path", "cmd", "data", "acct", "dir", "file",
		"grp", "new_group", "ocomm", "old-disk", "new-disk", "old-net", "new-net", "device", "vm", "watch", "cgroup":
		return true
	}
	return len(name) >= 2 && name[0] == 'a' && name[1] >= '0' && name[1] <= '9' && string(recordType) == "EXECVE"
}

// isHexText tells whether v is an even number of upper-case hexadecimal
// digits, as the kernel writes them.
func isHexText(v []byte) bool {
	if len(v) == 0 || len(v)%2 != 0 {
		return false
	}
	for _, c := range v {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
