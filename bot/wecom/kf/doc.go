// Package kf is WeChat customer service (微信客服), for people outside the company: its
// callback only says that there is something to fetch, so the package fetches messages,
// has them answered and sends the replies.
//
// It knows the platform's callback and calls (pages 94670 and 94677, read in November
// 2026); how a question is answered is the engine's. One replica works on an account at
// a time, by a lease; how far it got is a cursor in the store, which moves on when all
// before it is answered and promised. A reply stands in the journal until it is sent: one
// that is refused waits there and holds up nobody but its own customer. What each code means
// for it is a table, classes. Whoever wants a person is handed over to a servicer on duty;
// then the bot is silent until the platform says that the talk has ended.
//
// Read callback.go first, then sync.go, reply.go, refusal.go and handover.go.
package kf
