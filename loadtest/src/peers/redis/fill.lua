-- The shop's stock. ARGV: items, locations, and how much of each there is at each.

for item = 0, ARGV[1] - 1 do
    for location = 0, ARGV[2] - 1 do
        local stock = string.format('stock:lt-%07d@store-%04d', item, location)
        redis.call('HSET', stock, 'on_hand', ARGV[3], 'held', 0)
    end
end
return 201
