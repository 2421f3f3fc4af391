package protocol

import "fmt"

// An Error says why a frame is not the protocol. Its text is meant for the
// author of the client and may be sent to it.
type Error struct {
	RequestID string // JSON number of the request it answers, empty if it could not be read
	Message   string
	TooLarge  bool // it is the protocol, but more than a message may hold

	refusal bool // it speaks of one change, and does not spoil the message
}

func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// tooLargef is errorf for a message that is over a limit.
func tooLargef(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), TooLarge: true}
}

// refusef is errorf for a change of a good form that can never be accepted.
func refusef(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), refusal: true}
}

// in prefixes the message with the place it speaks of.
func (e *Error) in(format string, args ...any) *Error {
	e.Message = fmt.Sprintf(format, args...) + ": " + e.Message
	return e
}
