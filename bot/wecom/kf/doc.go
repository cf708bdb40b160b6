// Package kf is WeChat customer service (微信客服), for people outside the company: its
// callback only says that there is something to fetch, so the package fetches messages,
// has them answered and sends the replies.
//
// It knows the platform's callback and calls (pages 94670 and 94677, read in November
// 2026); how a question is answered is the engine's. One replica works on an account at
// a time, by a lease; how far it got is a cursor in the store, which moves on only when
// all before it is done. A reply stands in the journal until it is sent, so that after a
// crash it goes on where it stopped.
//
// Read callback.go first, then sync.go.
package kf
