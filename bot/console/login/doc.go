// Package login decides who may enter the coordinators' console: by password, through
// WeCom, or, where neither is set, from this machine alone and with the link that the program
// printed when it started. It keeps sessions in the store, so that every replica knows them, and
// refuses forged requests. When it cannot know, it refuses.
//
// It knows nothing of what the console shows, and calls no platform itself.
//
// Read guard.go first (what happens to a request), then session.go, access.go (who may, as settings change), account.go,
// throttle.go, password.go, oauth.go; origin.go judges where a request comes from.
package login
