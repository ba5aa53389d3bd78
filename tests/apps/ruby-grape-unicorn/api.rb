require 'grape'

class API < Grape::API
  get(:hello) { 'hello' }
end
