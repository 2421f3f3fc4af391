package server

// In all tests, memory of messages is spoiled before it is reused: who still refers
// to it reads nonsense.
func init() {
	spoil = func(text []byte) {
		for i := range text {
			text[i] = '!'
		}
	}
}
