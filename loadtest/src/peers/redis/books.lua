-- Keys, on hand, held, keys that promise more than there is, and the sum of live holds.

local keys, on_hand, held, oversold, holds = 0, 0, 0, 0, 0
for _, key in ipairs(redis.call('KEYS', 'stock:lt-*')) do
    local stock = redis.call('HMGET', key, 'on_hand', 'held')
    keys = keys + 1
    on_hand = on_hand + stock[1]
    held = held + stock[2]
    if tonumber(stock[2]) > tonumber(stock[1]) then
        oversold = oversold + 1
    end
end
for _, request in ipairs(redis.call('ZRANGE', 'deadlines', 0, -1)) do
    for quantity in string.gmatch(redis.call('GET', request), '%S+ (%S+)') do
        holds = holds + quantity
    end
end
return string.format('200 %d %d %d %d %d', keys, on_hand, held, oversold, holds)
