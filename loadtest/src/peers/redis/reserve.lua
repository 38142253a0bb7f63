-- One reservation, all lines or none.
-- KEYS: the request, the deadlines, then the stock of each line. ARGV: how many seconds it lasts,
-- then the quantity of each line.
-- What was placed is remembered as the value of the request: its lines, to be given back when
-- they lapse.

if redis.call('EXISTS', KEYS[1]) == 1 then
    return 200
end

local now = tonumber(redis.call('TIME')[1])

-- Gives back what is held past its deadline.
local function lapse()
    for _, request in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
        for stock, quantity in string.gmatch(redis.call('GET', request), '(%S+) (%S+)') do
            redis.call('HINCRBY', stock, 'held', -quantity)
        end
        redis.call('ZREM', KEYS[2], request)
    end
end

local function is_short(line)
    local stock = redis.call('HMGET', KEYS[line + 2], 'on_hand', 'held')
    return not stock[1] or stock[1] - stock[2] < tonumber(ARGV[line + 1])
end

for line = 1, #KEYS - 2 do
    if is_short(line) then
        lapse()
        if is_short(line) then
            return 409
        end
    end
end

local lines = {}
for line = 1, #KEYS - 2 do
    local stock, quantity = KEYS[line + 2], ARGV[line + 1]
    redis.call('HINCRBY', stock, 'held', quantity)
    lines[line] = stock .. ' ' .. quantity
end
redis.call('ZADD', KEYS[2], now + ARGV[1], KEYS[1])
redis.call('SET', KEYS[1], table.concat(lines, ' '), 'EX', 86400)
return 201
