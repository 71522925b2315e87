-- Amounts: signed 64-bit integers, exact, as quota/amount.rs has them.
--
-- A Lua number is exact to 53 bits. An amount is a number while it is below 2^53, and decimal text
-- past that; what is read from a key or an argument goes through amount.read, what is written or
-- compared through amount.text. Arithmetic that does not fit in 64 bits gives nil.

local amount = {}
do
  local EXACT = 9007199254740992 -- 2^53
  local BASE = 1e10
  local MAX = '9223372036854775807'
  local MIN = '-9223372036854775808'
  amount.MAX = MAX

  local function text(value)
    if type(value) == 'string' then return value end
    if value == 0 then return '0' end -- never -0
    return string.format('%.0f', value)
  end
  amount.text = text

  -- Returns the two halves of a value, high * BASE + low, of one sign.
  local function halves(value)
    local digits = text(value)
    local sign = 1
    if string.sub(digits, 1, 1) == '-' then sign, digits = -1, string.sub(digits, 2) end
    if #digits <= 10 then return 0, sign * tonumber(digits) end
    return sign * tonumber(string.sub(digits, 1, -11)), sign * tonumber(string.sub(digits, -10))
  end

  -- Brings two halves to one sign and the low one below BASE.
  local function carried(high, low)
    local over = low >= 0 and math.floor(low / BASE) or -math.floor(-low / BASE)
    high, low = high + over, low - over * BASE
    if high > 0 and low < 0 then high, low = high - 1, low + BASE end
    if high < 0 and low > 0 then high, low = high + 1, low - BASE end
    return high, low
  end

  local function compared(high, low, other_high, other_low)
    if high ~= other_high then return high < other_high and -1 or 1 end
    if low ~= other_low then return low < other_low and -1 or 1 end
    return 0
  end

  local MAX_HIGH, MAX_LOW = halves(MAX)
  local MIN_HIGH, MIN_LOW = halves(MIN)

  -- Returns the amount of two halves; nil if it does not fit.
  local function joined(high, low)
    high, low = carried(high, low)
    if compared(high, low, MAX_HIGH, MAX_LOW) > 0 then return nil end
    if compared(high, low, MIN_HIGH, MIN_LOW) < 0 then return nil end
    if high > -900000 and high < 900000 then return high * BASE + low end -- below 2^53
    local sign = (high < 0 or low < 0) and '-' or ''
    return sign .. string.format('%.0f%010.0f', math.abs(high), math.abs(low))
  end

  -- Reads decimal text.
  function amount.read(digits)
    if type(digits) == 'number' then return digits end
    if #digits <= 15 then return tonumber(digits) end
    return joined(halves(digits))
  end

  function amount.plus(one, other)
    if type(one) == 'number' and type(other) == 'number' then
      local sum = one + other
      if sum < EXACT and sum > -EXACT then return sum end
    end
    local high, low = halves(one)
    local other_high, other_low = halves(other)
    return joined(high + other_high, low + other_low)
  end

  function amount.minus(one, other)
    if type(one) == 'number' and type(other) == 'number' then
      local rest = one - other
      if rest < EXACT and rest > -EXACT then return rest end
    end
    local high, low = halves(one)
    local other_high, other_low = halves(other)
    return joined(high - other_high, low - other_low)
  end

  -- Returns -1, 0 or 1.
  function amount.compare(one, other)
    if type(one) == 'number' and type(other) == 'number' then
      if one == other then return 0 end
      return one < other and -1 or 1
    end
    local high, low = halves(one)
    local other_high, other_low = halves(other)
    return compared(high, low, other_high, other_low)
  end

  function amount.least(one, other)
    return amount.compare(one, other) <= 0 and one or other
  end

  function amount.most(one, other)
    return amount.compare(one, other) >= 0 and one or other
  end

  function amount.at_least_zero(value)
    return amount.most(value, 0)
  end

  -- Returns the sum, or the most there is where it does not fit: what a count does.
  function amount.sum(one, other)
    return amount.plus(one, other) or MAX
  end

  -- Returns the sum, drawn to the nearest end of the range: what a part of time does.
  function amount.saturating(one, other)
    local sum = amount.plus(one, other)
    if sum then return sum end
    return amount.compare(other, 0) < 0 and MIN or MAX
  end

  -- Returns true if `used` is at least so many percent of `limit`.
  function amount.reached(used, limit, percentage)
    local high, low = halves(used)
    local limit_high, limit_low = halves(limit)
    high, low = carried(high * 100, low * 100)
    limit_high, limit_low = carried(limit_high * percentage, limit_low * percentage)
    return compared(high, low, limit_high, limit_low) >= 0
  end
end
