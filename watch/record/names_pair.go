package record

import "bytes"

// Some converters keep EventData as the XML has it: a list of Data elements
// that each carry their name as an attribute,
//
//	"EventData": {"Data": [{"@Name": "Image", "#text": "C:\\x.exe"}, …]}
//
// The value is then reached as if it had been written "EventData": {"Image":
// "C:\\x.exe"}. This costs a second look at the record, and only in streams
// where such a path was met.

// pairRole says which part of such a pair a path is.
type pairRole uint8

const (
	pairNone pairRole = iota
	pairName
	pairText
)

// roleOf returns the part that key plays beneath parent, whose role and own
// parent the caller has interned before.
func (fl *Flattener) roleOf(parent PathID, key string) pairRole {
	above := &fl.nodes[parent]
	if key == "Name" {
		switch above.key {
		case "#attributes", "@attributes", "_attributes", "$":
			above = &fl.nodes[above.parent]
		}
	}
	if above.key != "Data" || fl.nodes[above.parent].key != "EventData" {
		return pairNone
	}
	switch key {
	case "@Name", "-Name", "_Name", "Name":
		return pairName
	case "#text", "_text", "$t", "_", "text", "content", "Value", "value", "$value":
		return pairText
	}
	return pairNone
}

// pairNames gives the texts of named Data elements the path of their name.
func (fl *Flattener) pairNames() {
	fields := fl.rec.Fields
	for i := 0; i < len(fields); {
		if fl.role(fields[i].Path) == pairNone {
			i++
			continue
		}
		j := i + 1
		for j < len(fields) && fl.sameElement(&fields[j-1], &fields[j]) {
			j++
		}
		fl.pairElement(fields[i:j])
		i = j
	}
}

func (fl *Flattener) role(id PathID) pairRole {
	if int(id) >= len(fl.nodes) {
		return pairNone
	}
	return fl.nodes[id].role
}

// pairElement handles the fields of one Data element.
func (fl *Flattener) pairElement(fields []Field) {
	name := -1
	for i := range fields {
		if fl.role(fields[i].Path) == pairName && fields[i].Kind.IsString() {
			name = i
			break
		}
	}
	if name < 0 {
		return
	}
	key, _ := fl.rec.Bytes(&fields[name], nil)
	for i := range fields {
		if f := &fields[i]; fl.role(f.Path) == pairText {
			eventData := fl.nodes[fl.nodes[f.Path].parent].parent
			f.Path = fl.intern(eventData, key)
		}
	}
}

// sameElement tells whether two neighbouring fields stand in the same element
// of an array: between those of different elements stands a comma before a
// brace or bracket, which in one object never happens.
func (fl *Flattener) sameElement(a, b *Field) bool {
	if b.Start < a.End {
		return false
	}
	between := fl.rec.Raw[a.End:b.Start]
	for i := 0; i < len(between); i++ {
		if between[i] != ',' {
			continue
		}
		rest := bytes.TrimLeft(between[i+1:], " \t\r\n")
		if len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
			return false
		}
	}
	return true
}
