package redisstore

import "github.com/redis/go-redis/v9"

// A message's value is "claim:" attempt while it is being answered, with the lease
// as its expiry, and "done:" attempt ":" record afterwards. Attempts hold no colon.

// beginScript claims the message and loads the session.
//
// KEYS: session [, message]. ARGV: attempt, lease in milliseconds.
// Returns who may answer (mine, running, answered), the record, the session.
// What has another form is not ours, or is damaged, and counts as absent.
var beginScript = redis.NewScript(`
local session = redis.pcall('GET', KEYS[1])
if type(session) ~= 'string' then session = '' end
if #KEYS == 1 then return {'mine', '', session} end
local value = redis.pcall('GET', KEYS[2])
if type(value) == 'string' then
  if value:sub(1, 5) == 'done:' then
    local colon = value:find(':', 6, true)
    if colon then return {'answered', value:sub(colon + 1), session} end
  elseif value:sub(1, 6) == 'claim:' and value:sub(7) ~= ARGV[1] then
    return {'running', '', session}
  end
end
redis.call('SET', KEYS[2], 'claim:' .. ARGV[1], 'PX', ARGV[2])
return {'mine', '', session}
`)

// commitScript saves the session and marks the message answered, both or neither.
//
// KEYS: session [, message]. ARGV: attempt, version loaded, session or "" to forget,
// life of the session, record, life of the record (milliseconds).
// A lease that ran out while nobody else took over does no harm; a commit said
// again by the same attempt (its answer was lost) is a success.
var commitScript = redis.NewScript(`
if #KEYS == 2 then
  local value = redis.pcall('GET', KEYS[2])
  if type(value) == 'string' then
    if value:sub(1, 5) == 'done:' then
      if value:sub(6, 6 + #ARGV[1]) == ARGV[1] .. ':' then return 'ok' end
      return 'lost'
    end
    if value:sub(1, 6) == 'claim:' and value:sub(7) ~= ARGV[1] then return 'lost' end
  end
end
local session = redis.pcall('GET', KEYS[1])
local version = '0'
if type(session) == 'string' then version = session:match('^(%d+):') or '0' end
if #version > 15 then version = '0' end -- no version of ours: beyond what numbers here hold
version = string.format('%.0f', tonumber(version))
if version ~= ARGV[2] then return 'stale' end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
if #KEYS == 2 then redis.call('SET', KEYS[2], 'done:' .. ARGV[1] .. ':' .. ARGV[5], 'PX', ARGV[6]) end
return 'ok'
`)

// dropScript removes a token only if it is still that one.
var dropScript = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and value:match('^%d+:(.*)$') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`)

// membersScript gives the members, and confirms one unless it is too late.
//
// KEYS: members, a hash of the time of each member's last confirmation, and of the
// epoch and when it began.
// ARGV: id, until when it may be confirmed (milliseconds, 0: not at all). Returns the time,
// whether it was confirmed, and the members and the epoch before that.
var membersScript = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answer = {string.format('%.0f', now), '0'}
for _, v in ipairs(redis.call('HGETALL', KEYS[1])) do answer[#answer + 1] = v end
if now <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], answer[1])
  answer[2] = '1'
end
return answer
`)

// expelScript removes a member, and begins a new epoch when there is doubt.
//
// KEYS: members. ARGV: id, when it was confirmed last (milliseconds, "" never), 1 with
// doubt, until when it may be done. Returns 0 when it is too late.
var expelScript = redis.NewScript(`
local t = redis.call('TIME')
if t[1] * 1000 + math.floor(t[2] / 1000) > tonumber(ARGV[4]) then return 0 end
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 1 end
redis.call('HDEL', KEYS[1], ARGV[1])
if ARGV[3] == '1' then
  redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  redis.call('HSET', KEYS[1], 'began', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)))
end
return 1
`)
