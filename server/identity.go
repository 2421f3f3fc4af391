package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"

	"syncabled/revlog"
)

// This file is whose identities are. Where an Authorizer says who connects, an
// identity belongs to the subject that was given it. It bears the subject's seal, a
// hash of both, so nothing needs to be stored, and an identity whose client has
// never written is as safe as any other.
//
// Who presents an identity without its seal gets another. That one depends on
// nothing but the identity and the subject: if the answer is lost, or the client has
// two connections, it is the same again. An identity from the time before there was
// an Authorizer bears no seal at all, and belongs to nobody: the first subject that
// presents it takes it over, under the name that its seal is on.

// longestIdentity bounds what is taken for an identity that this server, or one
// that was here before it, gave a client.
const longestIdentity = 128

// ownIdentity returns the identity that a client is to have that presents one, or
// none.
func (s *session) ownIdentity(presented string) (identity string, isFirst bool) {
	isFirst = presented == "" || len(presented) > longestIdentity
	switch subject := s.grant.Subject; {
	case s.server.config.Authorizer == nil && isFirst:
		return uuid.NewString(), true
	case s.server.config.Authorizer == nil:
		return presented, false
	case isFirst:
		return sealed(uuid.NewString(), subject), true
	case isSealed(presented, subject):
		return presented, false
	default:
		return sealed(successor(presented, subject), subject), false
	}
}

// sealed returns a name with the seal of a subject.
func sealed(name, subject string) string {
	sum := sha256.Sum256([]byte(name + "\n" + subject))
	return name + "." + hex.EncodeToString(sum[:sha256.Size/2])
}

func isSealed(identity, subject string) bool {
	dot := strings.LastIndexByte(identity, '.')
	return dot >= 0 && identity == sealed(identity[:dot], subject)
}

// successor returns the name of the identity that takes the place of one.
func successor(identity, subject string) string {
	return uuid.NewHash(sha256.New(), uuid.Nil, []byte(identity+"\n"+subject), 8).String()
}

// succeed has a session go on in the place of an identity that its client had, and
// take it over if it is nobody's. Else, if a set of that one is held, its rest is
// going to come from the new one, so it is committed as it is, if not by now then when
// nobody is left who may send that rest. What the client was
// sent, and what it sent, is not known of the new one. It may have been sent all there
// is, and whatever it changed before it gets that anew may have crossed a repair, or
// have been committed before.
func (s *session) succeed(ctx context.Context, identity string) error {
	if !ruleSucceed {
		return nil
	}
	if !strings.Contains(identity, ".") { // nobody's
		if _, err := s.db.log.Submit(ctx, revlog.Rename{From: identity, To: s.identity}); err != nil {
			return err
		}
	}
	if err := s.finishFor(ctx, identity); err != nil {
		return err
	}
	receipt, err := s.resync(ctx, revlog.Resync{Client: s.identity, Own: true, Time: s.server.config.Now()})
	s.sending(receipt.Head)
	return err
}
