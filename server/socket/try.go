package socket

// A Trier is a connection that can be written to without waiting.
type Trier interface {
	// TryWrite writes what goes out at once, which may be nothing.
	TryWrite([]byte) (int, error)
}
