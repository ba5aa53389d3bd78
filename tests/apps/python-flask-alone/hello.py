print('not it')
