package jsonstream

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Members puts an object together again from its members, for readers that
// learn only later whether they want the object or what stands in it.
type Members struct {
	Limit int // bytes of the object
	text  []byte
	large error
}

// Take reads the value of key. One that is too large is passed over, and so is
// all that follows: Object then says why.
func (m *Members) Take(in *Reader, key string) error {
	if m.large != nil {
		return in.Skip()
	}
	raw, err := in.Raw()
	if err == nil && 1+len(m.text)+len(raw) > m.Limit {
		err = &Error{Offset: in.Offset(), Err: fmt.Errorf("%w: more than %d bytes", ErrLarge, m.Limit)}
	}
	if errors.Is(err, ErrLarge) {
		m.large, m.text = err, nil
		return nil
	}
	if err != nil {
		return err
	}
	name, err := json.Marshal(key)
	if err != nil {
		return err
	}
	if len(m.text) > 0 {
		m.text = append(m.text, ',')
	}
	m.text = append(append(append(m.text, name...), ':'), raw...)
	return nil
}

// Object returns the text of the object, or the error that wraps ErrLarge.
func (m *Members) Object() ([]byte, error) {
	if m.large != nil {
		return nil, m.large
	}
	return append(append([]byte{'{'}, m.text...), '}'), nil
}
