-- SPDX-License-Identifier: GPL-2.0-only OR MIT
-- Takes memory until there is none, and goes on.
local function hog()
	local held = {}
	for i = 1, 1e9 do
		held[i] = string.rep("x", 10000) .. i
	end
end
local ok, said = pcall(hog)
print("=> " .. tostring(said) .. ", and goes on")
